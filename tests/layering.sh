#!/bin/sh
# Holds the arrows of docs/ARCHITECTURE.md: which folder may include what. Every #include of the tree is looked at.
# usage: layering.sh SOURCE    (with --self-test: shows on made-up files that a wrong include is found)
set -eu

# FOLDER: what its files may include beyond the C library and themselves. mlir llvm lua: those headers; a name ending in .c: that file only.
rules() {
  cat <<'TXT'
runtime/abi
runtime         runtime/abi
ir/base
ir              ir/base runtime/abi mlir
frontend        ir ir/base runtime/abi
targets         ir ir/base runtime/abi
passes          ir ir/base targets runtime/abi lua:schedule_lua.c
codegen         ir ir/base targets passes runtime/abi mlir llvm
driver          ir ir/base targets passes codegen frontend runtime runtime/abi
cli             ir ir/base targets passes codegen frontend driver runtime runtime/abi
TXT
}

check() { # SOURCE
  cd "$1"
  for folder in runtime ir frontend targets passes codegen driver cli; do
    find "$folder" -name '*.[ch]' 2>/dev/null
  done | sort > "$list"
  rules > "$list.rules"
  # shellcheck disable=SC2046
  awk -v rules="$list.rules" '
    BEGIN {
      while ((getline line < rules) > 0) { n = split(line, w, " "); layers[w[1]] = 1; for (i = 2; i <= n; i++) may[w[1], w[i]] = 1 }
    }
    function layer(path,   at) { # the longest rule that is a folder of path
      while (match(path, /\/[^\/]*$/)) { path = substr(path, 1, RSTART - 1); if (path in layers) return path }
      return ""
    }
    function complain(what) { printf "%s:%d: %s may not include %s\n", FILENAME, FNR, from, what; bad++ }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      from = layer(FILENAME); name = $0; sub(/^[^<"]*/, "", name); quoted = substr(name, 1, 1) == "\""
      name = substr(name, 2); sub(/[>"].*/, "", name); seen++
      base = FILENAME; sub(/.*\//, "", base)
      if (name ~ /^mlir-c\//) outside = "mlir"
      else if (name ~ /^llvm-c\//) outside = "llvm"
      else if (name ~ /^(lua|lauxlib|lualib)/) outside = "lua"
      else outside = ""
      if (outside != "") { if (!((from, outside) in may) && !((from, outside ":" base) in may)) complain(name); next }
      if (!quoted) {
        if (from == "runtime/abi" && name !~ /^(stdint|stddef|stdbool|string|cpuid|sys\/auxv|sys\/sysctl)\.h$/) complain("<" name ">")
        next
      }
      to = layer(name)
      if (to == "" || to == from) next        # of its own folder, or generated
      if (!((from, to) in may)) complain(name)
    }
    END { printf "%d includes looked at, %d against the arrows\n", seen, bad; exit bad > 0 || seen < 10 }' $(cat "$list")
}

list=$(mktemp)
trap 'rm -rf "$list" "$list.rules" "$list.tree"' EXIT
if [ "${1:-}" = --self-test ]; then
  mkdir -p "$list.tree/runtime" "$list.tree/ir/base" "$list.tree/passes"
  for i in 1 2 3 4 5 6 7 8 9 10; do echo '#include <stdint.h>'; done > "$list.tree/ir/base/fine.c"
  (check "$list.tree") > /dev/null || { echo "a clean tree is refused"; exit 1; }
  for wrong in 'runtime/a.c "ir/ops.h"' 'ir/base/a.c "ir/ops.h"' 'passes/a.c <mlir-c/IR.h>' 'passes/a.c <lua.h>' 'ir/a.c "passes/pipeline.h"'; do
    file=${wrong%% *}
    echo "#include ${wrong#* }" > "$list.tree/$file"
    ! (check "$list.tree") > /dev/null || { echo "not found: $wrong"; exit 1; }
    rm "$list.tree/$file"
  done
  echo "every wrong include is found"
else
  check "$1"
fi
