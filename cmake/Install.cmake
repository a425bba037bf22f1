# What an installed Ingot is: the command, the runtime as a library and as sources (for builds for other machines), its header, and what finds them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Ingot)
configure_package_config_file(cmake/IngotConfig.cmake.in ${PROJECT_BINARY_DIR}/generated/IngotConfig.cmake INSTALL_DESTINATION ${package}
                              PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/generated/IngotConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
file(RELATIVE_PATH PREFIX_FROM_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/ingot.pc.in ${PROJECT_BINARY_DIR}/generated/ingot.pc @ONLY)

if(INGOT_COMPILER)
  install(TARGETS ingot RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS ingot_runtime ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES runtime/ingot.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/generated/ingot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY runtime DESTINATION ${CMAKE_INSTALL_DATADIR}/ingot/src FILES_MATCHING PATTERN "*.[ch]" PATTERN "*.def")
install(FILES cmake/IngotModel.cmake cmake/Runtime.cmake DESTINATION ${CMAKE_INSTALL_DATADIR}/ingot/src/cmake) # for packages
install(FILES targets/platforms.def DESTINATION ${CMAKE_INSTALL_DATADIR}/ingot)
install(FILES cmake/IngotModel.cmake cmake/PlaceFiles.cmake cmake/Runtime.cmake ${PROJECT_BINARY_DIR}/generated/IngotConfig.cmake
        ${PROJECT_BINARY_DIR}/generated/IngotConfigVersion.cmake DESTINATION ${package})
