#define _POSIX_C_SOURCE 200809L
#include "driver/package.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/packet.h"
#include "driver/report.h"
#include "targets/target.h"

typedef struct package {
  ig_packet to;
  const char *bundle, *name, *sources;
  const ig_platform *platform[32];
  uint32_t n;
} package;

static bool text(package *p, const char *path, const char *contents) { return ig_packet_text(&p->to, path, contents); }
static bool file(package *p, const char *path, const char *from) { return ig_packet_file(&p->to, path, from); }
#define F(...) ig_format(p->to.arena, __VA_ARGS__)

static const char *of_platform(package *p, const ig_platform *platform, const char *what) { return F("%s/%s/%s", p->bundle, platform->name, what); }

static bool headers(package *p, const char *folder) {
  return file(p, F("%s/%s.h", folder, p->name), F("%s/%s.h", p->bundle, p->name)) && file(p, F("%s/ingot.h", folder), F("%s/runtime/ingot.h", p->sources));
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The runtime's sources below `to`, in the order of their names. */
static bool runtime_folder(package *p, const char *to, const char *from) {
  const char **names = NULL;
  size_t n = 0, capacity = 0;
  DIR *dir = opendir(F("%s/%s", p->sources, from));
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    const char *dot = strrchr(entry->d_name, '.');
    if (!dot || (strcmp(dot, ".c") && strcmp(dot, ".h") && strcmp(dot, ".def"))) continue;
    names = ig_grow(p->to.arena, names, n, &capacity, sizeof *names);
    names[n++] = ig_copy_string(p->to.arena, entry->d_name);
  }
  if (dir) closedir(dir);
  if (!n) return ig_error(p->to.diags, p->sources, "has no %s: give the folder of the runtime's sources by --sources", from);
  qsort(names, n, sizeof *names, by_name);
  bool ok = true;
  for (size_t i = 0; ok && i < n; i++) ok = file(p, F("%s/%s/%s", to, from, names[i]), F("%s/%s/%s", p->sources, from, names[i]));
  return ok;
}
static bool runtime_sources(package *p, const char *to) { return runtime_folder(p, to, "runtime") && runtime_folder(p, to, "runtime/abi"); }

/* What the app opens beside the library: plan, weights, and the prefix where there is one. */
static bool weights(package *p, const ig_platform *platform, const char *folder) {
  const char *prefix = of_platform(p, platform, F("%s.prefix", p->name));
  if (access(prefix, F_OK) == 0 && !file(p, F("%s/%s.prefix", folder, p->name), prefix)) return false;
  return file(p, F("%s/%s.plan", folder, p->name), of_platform(p, platform, F("%s.plan", p->name))) &&
      file(p, F("%s/%s.weights", folder, p->name), of_platform(p, platform, F("%s.weights", p->name)));
}

/* ---- Apple ------------------------------------------------------------------------------------------------------------- */

/* Platforms as an xcframework names them. Those of one system and kind are one library in it, with a slice for each CPU; in the order of their names. */
static const struct apple {
  const char *platform, *cpu, *system, *kind;
  uint32_t type, subtype; /* of the CPU, as a universal library has it */
} apples[] = {
  {"arm64-apple-ios", "arm64", "ios", NULL, 0x100000c, 0},
  {"arm64-apple-ios-simulator", "arm64", "ios", "simulator", 0x100000c, 0},
  {"x86_64-apple-ios-simulator", "x86_64", "ios", "simulator", 0x1000007, 3},
  {"arm64-apple-macos", "arm64", "macos", NULL, 0x100000c, 0},
  {"x86_64-apple-macos", "x86_64", "macos", NULL, 0x1000007, 3},
};
enum { APPLES = sizeof apples / sizeof *apples, SLICES_MOST = 2, LIBRARY_MOST = 256 << 20 };

static const struct apple *apple_of(const ig_platform *platform) {
  for (size_t i = 0; i < APPLES; i++)
    if (!strcmp(platform->name, apples[i].platform)) return &apples[i];
  return NULL;
}

static bool same_library(const struct apple *a, const struct apple *b) { return !strcmp(a->system, b->system) && (a->kind == NULL) == (b->kind == NULL); }

static const ig_platform *of_bundle(const package *p, const struct apple *a) {
  for (uint32_t i = 0; i < p->n; i++)
    if (!strcmp(p->platform[i]->name, a->platform)) return p->platform[i];
  return NULL;
}

static void big_endian(ig_text *out, uint32_t value) {
  ig_text_add(out, (uint8_t[]){(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value}, 4);
}

/* The libraries of several CPUs one after the other, behind a head that says where each is: words of high byte first (mach-o/fat.h). */
static bool universal(package *p, const char *name, const struct apple *const *slice, uint32_t n) {
  enum { ALIGN_LOG2 = 3 }; /* of archives */
  ig_str bytes[SLICES_MOST];
  ig_text out = {0};
  uint32_t at = 8 + 20 * n;
  bool ok = true;
  big_endian(&out, 0xcafebabe), big_endian(&out, n);
  for (uint32_t i = 0; ok && i < n; i++) {
    ok = ig_read_small_file(of_platform(p, of_bundle(p, slice[i]), F("lib%s.a", p->name)), LIBRARY_MOST, p->to.arena, &bytes[i], p->to.diags);
    if (!ok) break;
    at = (uint32_t)ig_round_up(at, 1 << ALIGN_LOG2);
    big_endian(&out, slice[i]->type), big_endian(&out, slice[i]->subtype), big_endian(&out, at), big_endian(&out, (uint32_t)bytes[i].size),
        big_endian(&out, ALIGN_LOG2);
    at += (uint32_t)bytes[i].size;
  }
  for (uint32_t i = 0; ok && i < n; i++) {
    while (out.size % (1 << ALIGN_LOG2)) ig_text_add(&out, "", 1);
    ig_text_add(&out, bytes[i].data, bytes[i].size);
  }
  ok = ok && ig_packet_bytes(&p->to, name, out.data, out.size);
  ig_text_finish(&out);
  return ok;
}

static bool framework(package *p, const char *root) {
  const char *list = "";
  for (const struct apple *a = apples; a < apples + APPLES; a++) {
    const struct apple *slice[SLICES_MOST];
    uint32_t n = 0;
    for (const struct apple *b = apples; b < apples + APPLES; b++)
      if (same_library(a, b) && of_bundle(p, b)) slice[n++] = b;
    if (!n || slice[0] != a) continue;
    const char *cpus = n > 1 ? F("%s_%s", slice[0]->cpu, slice[1]->cpu) : a->cpu, *kind = a->kind ? F("-%s", a->kind) : "";
    const char *id = F("%s-%s%s", a->system, cpus, kind), *folder = F("%s%s", root, id), *library = F("lib%s.a", p->name), *path = F("%s/%s", folder, library);
    list = F(
        "%s    <dict>\n      <key>BinaryPath</key><string>lib%s.a</string>\n      <key>HeadersPath</key><string>Headers</string>\n"
        "      <key>LibraryIdentifier</key><string>%s</string>\n      <key>LibraryPath</key><string>lib%s.a</string>\n"
        "      <key>SupportedArchitectures</key><array><string>%s</string>%s</array>\n      <key>SupportedPlatform</key><string>%s</string>\n%s    </dict>\n",
        list, p->name, id, p->name, a->cpu, n > 1 ? F("<string>%s</string>", slice[1]->cpu) : "", a->system,
        a->kind ? "      <key>SupportedPlatformVariant</key><string>simulator</string>\n" : "");
    if (!(n > 1 ? universal(p, path, slice, n) : file(p, path, of_platform(p, of_bundle(p, a), library))) || !headers(p, F("%s/Headers", folder)) ||
        !text(p, F("%s/Headers/module.modulemap", folder), F("module %s {\n  header \"ingot.h\"\n  header \"%s.h\"\n  export *\n}\n", p->name, p->name)))
      return false;
  }
  if (!*list) return ig_error(p->to.diags, p->bundle, "has no library for iOS or macOS: compile it with --target arm64-apple-ios or the like");
  return text(
      p, F("%sInfo.plist", root),
      F("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
        "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
        "<plist version=\"1.0\">\n<dict>\n  <key>AvailableLibraries</key>\n  <array>\n%s  </array>\n  <key>CFBundlePackageType</key><string>XFWK</string>\n"
        "  <key>XCFrameworkFormatVersion</key><string>1.0</string>\n</dict>\n</plist>\n",
        list));
}

static bool xcframework(package *p) { return framework(p, ""); }

static bool swiftpm(package *p) {
  const ig_platform *arm = NULL;
  for (uint32_t i = 0; i < p->n; i++) {
    const struct apple *a = apple_of(p->platform[i]);
    if (!a) continue;
    if (!strcmp(a->cpu, "x86_64"))
      return ig_error(p->to.diags, p->platform[i]->name, "cannot be in a Swift package: its resources hold the weights of one kind of CPU, Arm's");
    if (!arm) arm = p->platform[i];
  }
  const bool begun = arm && access(of_platform(p, arm, F("%s.prefix", p->name)), F_OK) == 0;
  return framework(p, F("%s.xcframework/", p->name)) && runtime_sources(p, "Sources/IngotRuntime") &&
      text(p, "Sources/IngotRuntime/include/IngotRuntime.h", "#include \"../runtime/ingot.h\"\n") && weights(p, arm, "Sources/Weights/Resources") &&
      text(p, "Sources/Weights/Weights.swift",
           F("import Foundation\n\n/// Where plan and weights lie in the app.\npublic enum Weights {\n  public static let plan = "
             "Bundle.module.url(forResource: \"%s\", withExtension: \"plan\")!\n"
             "  public static let weights = Bundle.module.url(forResource: \"%s\", withExtension: \"weights\")!\n%s}\n",
             p->name, p->name, begun ? F("  public static let prefix = Bundle.module.url(forResource: \"%s\", withExtension: \"prefix\")!\n", p->name) : "")) &&
      text(p, "Package.swift",
           F("// swift-tools-version:5.7\nimport PackageDescription\n\nlet package = Package(\n  name: \"%s\",\n  platforms: [.iOS(.v14), .macOS(.v11)],\n"
             "  products: [.library(name: \"%s\", targets: [\"%s\", \"IngotRuntime\", \"Weights\"])],\n  targets: [\n"
             "    .binaryTarget(name: \"%s\", path: \"%s.xcframework\"),\n"
             "    .target(name: \"IngotRuntime\", cSettings: [.headerSearchPath(\".\")]),\n"
             "    .target(name: \"Weights\", resources: [.copy(\"Resources/%s.plan\"), .copy(\"Resources/%s.weights\")%s]),\n  ],\n  cLanguageStandard: "
             ".c11\n)\n",
             p->name, p->name, p->name, p->name, p->name, p->name, p->name, begun ? F(", .copy(\"Resources/%s.prefix\")", p->name) : ""));
}

/* ---- Android ------------------------------------------------------------------------------------------------------------ */

static const struct {
  const char *platform, *abi;
} androids[] = {{"aarch64-linux-android", "arm64-v8a"}, {"x86_64-linux-android", "x86_64"}};

/* An AAR with the library as Prefab's module, and plan and weights of each ABI among the assets. */
static bool aar(package *p) {
  const char *module = F("prefab/modules/%s", p->name);
  uint32_t n = 0;
  bool ok = text(p, "AndroidManifest.xml",
                 F("<manifest xmlns:android=\"http://schemas.android.com/apk/res/android\" package=\"ingot.model.%s\">\n  <uses-sdk "
                   "android:minSdkVersion=\"21\" />\n</manifest>\n",
                   p->name)) &&
      text(p, "prefab/prefab.json", F("{\"name\": \"%s\", \"schema_version\": 2, \"dependencies\": [], \"version\": \"1.0.0\"}\n", p->name)) &&
      text(p, F("%s/module.json", module), F("{\"export_libraries\": [], \"library_name\": \"lib%s\"}\n", p->name)) && headers(p, F("%s/include", module));
  for (uint32_t i = 0; ok && i < p->n; i++)
    for (size_t k = 0; ok && k < sizeof androids / sizeof *androids; k++) {
      if (strcmp(p->platform[i]->name, androids[k].platform)) continue;
      const char *folder = F("%s/libs/android.%s", module, androids[k].abi), *library = F("lib%s.a", p->name);
      n++;
      ok = text(p, F("%s/abi.json", folder), F("{\"abi\": \"%s\", \"api\": 21, \"ndk\": 25, \"stl\": \"none\", \"static\": true}\n", androids[k].abi)) &&
          file(p, F("%s/%s", folder, library), of_platform(p, p->platform[i], library)) && weights(p, p->platform[i], F("assets/%s", androids[k].abi));
    }
  return ok && (n || ig_error(p->to.diags, p->bundle, "has no library for Android: compile it with --target arm64-v8a"));
}

/* ---- CMake -------------------------------------------------------------------------------------------------------------- */

/* find_package(NAME) of a bundle that was compiled elsewhere: no command and no model file is needed. */
static bool cmake(package *p) {
  const char *list = "";
  bool ok = headers(p, "include") && runtime_sources(p, "src") && file(p, "cmake/Runtime.cmake", F("%s/cmake/Runtime.cmake", p->sources));
  for (uint32_t i = 0; ok && i < p->n; i++) {
    const ig_platform *platform = p->platform[i];
    list = F("%s%s%s", list, i ? " " : "", platform->name);
    ok = file(p, F("lib/%s/lib%s.a", platform->name, p->name), of_platform(p, platform, F("lib%s.a", p->name))) &&
        weights(p, platform, F("lib/%s", platform->name));
  }
  return ok && file(p, "cmake/IngotModel.cmake", F("%s/cmake/IngotModel.cmake", p->sources)) &&
      text(p, F("%sConfig.cmake", p->name),
           F("# find_package(%s): the target %s::%s, the model's library with the runtime; %s_FOLDER holds its plan and weights.\n"
             "include(\"${CMAKE_CURRENT_LIST_DIR}/cmake/Runtime.cmake\")\ninclude(\"${CMAKE_CURRENT_LIST_DIR}/cmake/IngotModel.cmake\")\n"
             "ingot_platform_of_build(_platforms)\nif(NOT TARGET Ingot::runtime)\n  ingot_add_runtime(ingot_runtime "
             "\"${CMAKE_CURRENT_LIST_DIR}/src\")\nendif()\n"
             "add_library(%s::%s INTERFACE IMPORTED)\ntarget_include_directories(%s::%s INTERFACE \"${CMAKE_CURRENT_LIST_DIR}/include\")\n"
             "foreach(_platform IN LISTS _platforms)\n  if(NOT EXISTS \"${CMAKE_CURRENT_LIST_DIR}/lib/${_platform}\")\n    set(%s_FOUND FALSE)\n"
             "    set(%s_NOT_FOUND_MESSAGE \"the package was compiled for %s, not for ${_platform}\")\n    return()\n  endif()\n"
             "  set(%s_FOLDER \"${CMAKE_CURRENT_LIST_DIR}/lib/${_platform}\")\n  target_link_libraries(%s::%s INTERFACE "
             "\"${%s_FOLDER}/lib%s.a\")\nendforeach()\n"
             "target_link_libraries(%s::%s INTERFACE Ingot::runtime)\n",
             p->name, p->name, p->name, p->name, p->name, p->name, p->name, p->name, p->name, p->name, list, p->name, p->name, p->name, p->name, p->name,
             p->name, p->name));
}

/* `mark`: a file by which a folder of ours is known; `align`: of files in a zip. */
static const struct {
  const char *format, *ending, *mark;
  uint32_t align;
  bool (*make)(package *);
} formats[] = {
  {"xcframework", ".xcframework", "Info.plist", 0, xcframework},
  {"swiftpm", "-swift", "Package.swift", 0, swiftpm},
  {"aar", ".aar", NULL, 16384, aar},
  {"cmake", "-cmake", "cmake/Runtime.cmake", 0, cmake},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const char *ig_package_format(int index) { return index >= 0 && index < FORMATS ? formats[index].format : NULL; }

static bool open_bundle(package *p, ig_arena *arena, ig_diags *diags) {
  ig_str report;
  if (!ig_read_report(p->bundle, arena, &report, diags)) return false;
  p->name = ig_report_word(report.data, "name", arena);
  for (int i = 0; ig_platform_at(i); i++)
    if (access(ig_format(arena, "%s/%s/lib%s.a", p->bundle, ig_platform_at(i)->name, p->name), R_OK) == 0) p->platform[p->n++] = ig_platform_at(i);
  return p->n || ig_error(diags, p->bundle, "is not a bundle of ingot's");
}

bool ig_package(const char *bundle, const char *format, const char *parent, const char *sources, ig_arena *arena, const char **made, ig_diags *diags) {
  package p = {.bundle = bundle, .sources = sources};
  int f = 0;
  while (f < FORMATS && strcmp(formats[f].format, format)) f++;
  if (f == FORMATS) return ig_error(diags, format, "is no format of packages");
  if (!open_bundle(&p, arena, diags)) return false;
  *made = ig_format(arena, "%s/%s%s", parent, p.name, formats[f].ending);
  if (!ig_packet_begin(&p.to, *made, formats[f].mark, formats[f].align, arena, diags)) return false;
  return ig_packet_end(&p.to, formats[f].make(&p));
}
