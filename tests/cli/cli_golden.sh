# Greedy ids of the published trained model, for every prompt and variant, and perplexity within 0.3 % of llama-perplexity's.
. "$INGOT_SOURCE/tests/cli/lib.sh"
data golden
data gguf

golden=$INGOT_DATA/golden/stories260K-greedy.json
# the arrays named "$1", one a line, ids with blanks between
arrays() { tr '\n' ' ' < "$golden" | grep -o "\"$1\": *\[[^]]*\]" | sed 's/.*\[//; s/\]//; s/,/ /g'; }
arrays prompt_ids > "$work/prompts"
arrays ids > "$work/ids"
[ "$(wc -l < "$work/prompts")" = "$(wc -l < "$work/ids")" ] && [ -s "$work/ids" ] || fail "the golden file is not understood"

greedy() { # MODEL [VARIANT]
  line=0
  while read -r prompt; do
    line=$((line + 1))
    sed -n ${line}p "$work/ids" | tr -s ' ' '\n' | grep . > "$work/want"
    n=$(($(wc -l < "$work/want") - $(echo "$prompt" | wc -w)))
    # shellcheck disable=SC2086
    expect 0 '' "$ingot" greedy "$INGOT_DATA/gguf/$1.gguf" -n $n ${2:+--variant $2} $prompt
    { echo "$prompt" | tr -s ' ' '\n'; cat "$work/out"; } > "$work/got"
    equal "$1 ${2:-}, prompt $line" "$work/want" "$work/got"
  done < "$work/prompts"
}
for model in stories260K-f32 stories260K-f16 stories260K-untied-f32 stories260K-dense256-f16; do greedy $model; done
for variant in $(variants_here); do greedy stories260K-f32 "$variant"; done

files="stories260K-f16 stories260K-q8_0 stories260K-q4_0 stories260K-dense256-q4_k_m stories260K-dense256-q6_k stories260K-q5_1 stories260K-dense256-q2_k"
[ -n "${INGOT_TEST_ALL:-}" ] && files="$files stories260K-f32 stories260K-bf16 stories260K-untied-f32 stories260K-dense256-f16 stories260K-dense256-q8_0 stories260K-dense256-q4_0 dense256-Q4_K_M stories260K-q4_1 stories260K-q5_0 stories260K-dense256-q3_k stories260K-dense256-q5_k dense256-Q3_K_M dense256-IQ4_NL"
for file in $files; do
  expect 0 '' "$ingot" perplexity "$INGOT_DATA/gguf/$file.gguf" -f "$INGOT_DATA/text/tinystories-train-first40000bytes.txt"
  got=$(sed -n 's/^Final estimate: PPL = \([0-9.]*\).*/\1/p' "$work/out")
  want=$(awk -F'\t' -v f="$file.gguf" '$1 == f { print $2 }' "$INGOT_DATA/golden/perplexity.tsv")
  echo "$file: perplexity $got, llama-perplexity $want"
  awk -v a="$got" -v b="$want" 'BEGIN { exit !(b > 0 && a > b * 0.997 && a < b * 1.003) }' || fail "$file: perplexity $got, expected $want"
done
finish
