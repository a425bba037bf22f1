# Benchmarks of kernels: `ninja bench_linear`, then run it on a quiet machine. They share the kernel harness with the tests.
add_executable(bench_linear EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/bench_linear.c ${PROJECT_SOURCE_DIR}/bench/probe.c)
target_link_libraries(bench_linear PRIVATE ig_driver ingot_warnings m)
set_target_properties(bench_linear PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

# Instructions of Arm kernels under qemu: `ninja count_linear`, then build/count_linear build/count_plugin.so dotprod
add_executable(count_linear EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/count_linear.c)
target_link_libraries(count_linear PRIVATE ig_driver ingot_warnings m)
target_compile_definitions(count_linear PRIVATE COUNT_SOURCE="${PROJECT_SOURCE_DIR}")
add_library(count_plugin MODULE EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/bench/count_plugin.c)
target_link_libraries(count_plugin PRIVATE ingot_warnings)
set_target_properties(count_plugin PROPERTIES PREFIX "" SUFFIX .so LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
set_target_properties(count_linear PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
add_dependencies(count_linear count_plugin)
