# A plan that somebody changed and sealed again, run with the model's real kernels: refused, or no byte outside of the buffers is touched.
. "$INGOT_SOURCE/tests/cli/lib.sh"
INGOT_SANITIZE_FLAGS=${INGOT_SANITIZE_FLAGS:-}

expect 0 '' "$ingot" compile "$fable" --name hostile -o "$work" --variants native --ctx 256 -q
here=$(echo "$work"/hostile.ingot/*/libhostile.a); here=${here%/libhostile.a}
link_app() {
  cc -std=c11 -O1 -I "$INGOT_SOURCE" -I "$INGOT_SOURCE/runtime" -I "$work/hostile.ingot" $INGOT_SANITIZE_FLAGS -o "$work/hostile" \
    "$INGOT_SOURCE/tests/cli/hostile_plan.c" "$here/libhostile.a" "$INGOT_BUILD/libingot.a" -lpthread
}
expect 0 '' link_app
expect 0 '' "$work/hostile" "$here/hostile.plan" "$here/hostile.weights" "${INGOT_ROUNDS:-10000}"
out_has " ${INGOT_ROUNDS:-10000} changes: [0-9]+ ran"
cat "$work/out"
finish
