# Apps for Arm under an emulator: one static app takes the best variant of each CPU, and its logits are those of this machine, bit for bit.
. "$INGOT_SOURCE/tests/cli/lib.sh"
target=aarch64
cpus='cortex-a53:neon cortex-a76:dotprod max,sve=off:i8mm a64fx,sve256=off,sve512=off:sve a64fx,sve512=off:sve a64fx:sve max,sve256=off:sve2 max,sve256=on,sve512=off:sve2 max,sve512=off:sve2 max,sve1024=off:sve2'
. "$INGOT_SOURCE/tests/cli/emulated.sh"
same "$fable" 24 1 20 300 7 41 99 5

# what a CPU lacks is refused
expect 1 'dotprod' env INGOT_VARIANT=dotprod qemu-aarch64 -cpu cortex-a53 "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" 1 1

if [ -d "$INGOT_DATA/gguf" ]; then
  for model in stories260K-q8_0 stories260K-q5_1 dense256-Q4_K_M dense256-IQ4_NL stories260K-dense256-q3_k; do same "$INGOT_DATA/gguf/$model.gguf" 12 1 403 407 261 378 432; done
  golden
fi
finish
