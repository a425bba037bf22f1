# The runtime from its sources: Ingot's own build and the builds of apps (for what the installed libingot.a is not) make it by this one recipe.
# ingot_add_runtime(NAME ROOT): a static library of ROOT/runtime, C11 and threads, nothing shown but ingot.h.
function(ingot_add_runtime name root)
  file(GLOB sources CONFIGURE_DEPENDS ${root}/runtime/*.c ${root}/runtime/abi/*.c)
  add_library(${name} STATIC ${sources})
  # The machine of chat templates runs once a message, what opens a model once an app: small rather than fast.
  file(GLOB small CONFIGURE_DEPENDS ${root}/runtime/template_*.c)
  foreach(file model plan_check plan_open session_file tokens_open)
    list(APPEND small ${root}/runtime/${file}.c)
  endforeach()
  set_source_files_properties(${small} PROPERTIES COMPILE_OPTIONS -Os)
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ingot C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF C_VISIBILITY_PRESET hidden
                        POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -ffp-contract=off)
  target_include_directories(${name} PRIVATE ${root})
  if(NOT CMAKE_SYSTEM_NAME MATCHES "^(WASI|Emscripten|Generic)$") # where the runtime makes no threads
    find_package(Threads REQUIRED)
    target_link_libraries(${name} PUBLIC Threads::Threads)
  endif()
  add_library(Ingot::runtime ALIAS ${name})
endfunction()
