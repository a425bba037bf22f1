/* ingot package: a bundle in the layouts that apps' build tools take. */
#ifndef INGOT_DRIVER_PACKAGE_H
#define INGOT_DRIVER_PACKAGE_H

#include "ir/base/base.h"

/* The names of layouts; NULL after the last. */
const char *ig_package_format(int index);
/* Makes PARENT/NAME.xcframework, NAME-swift, NAME.aar or NAME-cmake. `sources`: the folder in which runtime/ lies. `made` gets the path. */
bool ig_package(const char *bundle, const char *format, const char *parent, const char *sources, ig_arena *arena, const char **made, ig_diags *diags);

#endif
