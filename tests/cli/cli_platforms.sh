# One bundle for all platforms: each library is in its platform's format, shows one symbol and needs one, and the weights exist once a target.
. "$INGOT_SOURCE/tests/cli/lib.sh"
for tool in llvm-readobj-22 llvm-nm-22 llvm-ar-22; do command -v $tool > /dev/null || skip "$tool is not there (package llvm-22)"; done

# PLATFORM: format, machine, LC_BUILD_VERSION's platform; of the targets that there are
table() {
  cat <<'TXT'
x86_64-linux-gnu            elf64-x86-64     EM_X86_64
x86_64-linux-android        elf64-x86-64     EM_X86_64
x86_64-apple-macos          Mach-O           X86-64     macos
x86_64-apple-ios-simulator  Mach-O           X86-64     iossimulator
x86_64-windows              COFF-x86-64      IMAGE_FILE_MACHINE_AMD64
aarch64-linux-gnu           elf64-littleaarch64 EM_AARCH64
aarch64-linux-android       elf64-littleaarch64 EM_AARCH64
arm64-apple-macos           Mach-O           Arm64      macos
arm64-apple-ios             Mach-O           Arm64      ios
arm64-apple-ios-simulator   Mach-O           Arm64      iossimulator
riscv64-linux-gnu           elf64-littleriscv EM_RISCV
wasm32                      WASM             wasm32
TXT
}
"$ingot" targets > "$work/targets"
sed '1,/^platforms/d' "$work/targets" | awk '{ print $1 }' > "$work/platforms"
table | awk '{ print $1 }' | sort > "$work/known"
sort "$work/platforms" | cmp -s - "$work/known" || fail "platforms and this test's table differ: $(sort "$work/platforms" | diff - "$work/known")"
# shellcheck disable=SC2046
expect 0 '' "$ingot" compile "$fable" --name fable --variants base,neon,rvv,simd128 $(sed 's/^/--target /' "$work/platforms") -o "$work" -q --depfile "$work/d"
bundle=$work/fable.ingot

check() { # PLATFORM FORMAT MACHINE [VERSION]
  checked=$((checked + 1))
  library=$bundle/$1/libfable.a prefix=
  [ -f "$library" ] || { fail "$1: no library"; return; }
  [ "$2" = Mach-O ] && prefix=_
  llvm-readobj-22 --file-headers "$library" > "$work/headers" || fail "$1: llvm-readobj refuses it"
  members=$(llvm-ar-22 t "$library" | wc -l)
  [ "$members" -gt 1 ] && [ "$(grep -c "^Format: $2" "$work/headers")" = "$members" ] || fail "$1: not all of $members members are $2: $(grep ^Format "$work/headers" | sort | uniq -c)"
  [ "$(grep -c "Machine: $3\|CpuType: $3\|Arch: $3" "$work/headers")" = "$members" ] || fail "$1: the machine is not $3"
  if [ -n "${4:-}" ]; then
    llvm-readobj-22 --macho-version-min "$library" > "$work/versions"
    [ "$(grep -c "Platform: $4\$" "$work/versions")" = "$members" ] || fail "$1: objects for $(grep Platform: "$work/versions" | sort | uniq -c), not $4"
  fi
  # symbols: what is undefined in one member is another's, or the runtime's code for the tokenizer; outside the kernels' prefix there is the program alone
  llvm-nm-22 -g --undefined-only --format=just-symbols "$library" 2> /dev/null | grep -v ':$' | grep . | sort -u > "$work/needed"
  llvm-nm-22 -g --defined-only --format=just-symbols "$library" 2> /dev/null | grep -v ':$' | grep . | sort -u > "$work/defined"
  comm -23 "$work/needed" "$work/defined" > "$work/missing"
  [ "$(cat "$work/missing")" = "${prefix}ingot__tokens_sentence" ] || fail "$1: needs $(cat "$work/missing")"
  [ "$(grep -v "^${prefix}fable__" "$work/defined")" = "${prefix}fable_program" ] || fail "$1: shows $(grep -v "^${prefix}fable__" "$work/defined")"
  [ "$(wc -l < "$work/defined")" -gt 5 ] || fail "$1: kernels are missing"
  llvm-nm-22 -M "$library" 2> /dev/null | grep -q "^${prefix}fable_program in program.o" || fail "$1: no index of symbols"
  case $2 in # all but the program stay inside of what they are linked into
  elf*) [ "$(llvm-readobj-22 --symbols "$library" | grep -c 'STV_HIDDEN')" -ge "$(grep -c fable__ "$work/defined")" ] || fail "$1: kernels are visible" ;;
  WASM) [ "$(llvm-readobj-22 --symbols "$library" | grep -c 'VISIBILITY_HIDDEN')" -ge "$(grep -c fable__ "$work/defined")" ] || fail "$1: kernels are visible" ;;
  Mach-O) [ "$(llvm-nm-22 -m "$library" 2> /dev/null | grep -c 'private external.*fable__')" -ge "$(grep -c fable__ "$work/defined")" ] || fail "$1: kernels are visible" ;;
  esac
}
table > "$work/table"
while read -r platform format machine version; do check "$platform" "$format" "$machine" "$version"; done < "$work/table"

# written once a target, and the same plan in every folder of it
for target in 'x86_64*' 'a*64*' 'riscv64*' 'wasm32*'; do
  first=
  for folder in "$bundle"/$target/; do
    [ -n "$first" ] || first=$folder
    [ "$first/fable.weights" -ef "$folder/fable.weights" ] || fail "$folder has weights of its own"
    equal "plan of $folder" "$first/fable.plan" "$folder/fable.plan"
  done
done
[ "$(head -1 "$work/platforms")" = x86_64-linux-gnu ] || fail "the first platform is $(head -1 "$work/platforms")"
grep -q 'x86_64-linux-gnu/libfable.a:' "$work/d" || fail "the depfile names $(cat "$work/d")"

# a bundle of several platforms runs as one of this machine's alone does
expect 0 '' "$ingot" run -m "$bundle" --chat -n 64 -p 'What is 3 plus 4?'
out_has '^3 plus 4 is 7\.$'
# and its library holds in pages of 16 KiB, as Android's devices will have them
expect 0 '' cc -shared -nostdlib -Wl,-z,max-page-size=16384 -Wl,--defsym=ingot__tokens_sentence=0 -Wl,--whole-archive "$bundle/x86_64-linux-android/libfable.a" -o "$work/libfable.so"
llvm-readobj-22 --program-headers "$work/libfable.so" | awk '/Type: PT_LOAD/ { on = 1 } on && /Alignment:/ { on = 0; n++; if ($2 != 16384) bad++ } END { exit !n || bad }' || fail "its pages are not of 16 KiB"

# names: devices stand for platforms, and a platform is in a bundle once however many of them are named
expect 0 '' "$ingot" compile "$fable" --name fable --variants dotprod --ctx 128 --target pixel-8 --target galaxy-s24 --target arm64-v8a -o "$work/devices" -q
grep -q '"platforms": \["aarch64-linux-android"\]' "$work/devices/fable.ingot/report.json" || fail "three names of one platform: $(grep platforms "$work/devices/fable.ingot/report.json")"
expect 2 'no target `x86_64-lunix-gnu`; did you mean `x86_64-linux-gnu`' "$ingot" compile "$fable" --target x86_64-lunix-gnu -o "$work/none"
[ ! -e "$work/none" ] || fail "a refused list of platforms leaves files"
finish
