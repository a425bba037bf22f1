#!/bin/sh
# format.sh FOLDER: every C file is as clang-format 22 writes it (.clang-format). Prints the first places that are not; `./dev format` mends them.
cd "$1" || exit 1
command -v clang-format-22 >/dev/null || { echo "format: there is no clang-format-22"; exit 77; }
found=$(find bench cli codegen driver examples frontend ir passes runtime tests -name '*.[ch]' -exec clang-format-22 --dry-run --Werror {} + 2>&1)
[ -z "$found" ] || { echo "$found" | head -20; exit 1; }
