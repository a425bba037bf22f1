# Benchmarks of kernels: `ninja bench_linear`, then run it on a quiet machine. They share the kernel harness with the tests.
add_executable(bench_linear EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/bench_linear.c ${PROJECT_SOURCE_DIR}/bench/probe.c)
target_link_libraries(bench_linear PRIVATE ig_driver ingot_warnings m)
set_target_properties(bench_linear PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
