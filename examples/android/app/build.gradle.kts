plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

val ingot = providers.gradleProperty("ingot.prefix").get() // -Pingot.prefix=/usr/local: where Ingot is installed
val bundle = layout.buildDirectory.dir("ingot")

// The weights do not depend on the ABI's variant of the build, so they are compiled once here; CMake makes each ABI's library from the same model and options.
val models by tasks.registering(Exec::class) {
    commandLine("$ingot/bin/ingot", "compile", rootProject.file("fable-f16.gguf"), "--name", "fable", "--ctx", "1024", "--target", "arm64-v8a", "-q",
                "-o", bundle.get().asFile)
    inputs.file(rootProject.file("fable-f16.gguf"))
    outputs.dir(bundle)
}
val assets by tasks.registering(Sync::class) {
    dependsOn(models)
    from(bundle.map { it.dir("fable.ingot/aarch64-linux-android") }) { include("*.plan", "*.weights") }
    into(layout.buildDirectory.dir("assets"))
}

android {
    namespace = "app.ingot"
    compileSdk = 35
    defaultConfig {
        applicationId = "app.ingot"
        minSdk = 26
        targetSdk = 35
        ndk { abiFilters += "arm64-v8a" }
        externalNativeBuild { cmake { arguments += "-DIngot_DIR=$ingot/lib/cmake/Ingot" } }
    }
    externalNativeBuild { cmake { path = file("src/main/cpp/CMakeLists.txt") } }
    androidResources { noCompress += listOf("weights", "plan") }
    sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("assets"))
}
tasks.named("preBuild") { dependsOn(assets) }
