# Each tests/runtime/test_*.c is a program over the runtime alone, each tests/compiler/test_*.c over the whole compiler; a program is one CTest
# case, exit status 0 = passed, 77 = skipped (it says why).
file(GLOB runtime_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/runtime/test_*.c)
file(GLOB compiler_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/compiler/test_*.c)
set(test_environment "INGOT_SOURCE=${CMAKE_SOURCE_DIR};INGOT_BUILD=${CMAKE_BINARY_DIR};INGOT_DATA=${CMAKE_SOURCE_DIR}/../shared/data")

function(ingot_test source library)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${library} ingot_warnings m)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300 ENVIRONMENT "${test_environment}")
endfunction()

foreach(source ${runtime_tests})
  ingot_test(${source} ingot_runtime)
endforeach()
if(INGOT_COMPILER)
  foreach(source ${compiler_tests})
    ingot_test(${source} ig_driver)
  endforeach()
endif()
