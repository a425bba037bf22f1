# Apps for RISC-V with V under an emulator: registers of any length, the logits of this machine bit for bit.
. "$INGOT_SOURCE/tests/cli/lib.sh"
target=riscv64
v=rv64,v=true,vext_spec=v1.0
cpus="$v,vlen=128:rvv $v,vlen=256:rvv $v,vlen=512:rvv"
. "$INGOT_SOURCE/tests/cli/emulated.sh"
same "$fable" 8 1 20 300 7 41 99 5

# a CPU without V is told so
expect 1 'this CPU runs no variant' qemu-riscv64 -cpu rv64 "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" 1 1

if [ -d "$INGOT_DATA/gguf" ]; then
  for model in stories260K-q8_0 dense256-Q4_K_M dense256-IQ4_NL; do same "$INGOT_DATA/gguf/$model.gguf" 4 1 403 407 261 378 432; done
  golden
fi
finish
