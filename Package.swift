// swift-tools-version: 6.0
import PackageDescription

/// What the compiler itself is told, for the start of a launch.
var frontend = [
    // No regular expressions: they would be a sixth of the executable's text.
    "-disable-implicit-string-processing-module-import",
    // Types and values are handled by code that the compiler writes, and not by metadata that a launch makes first.
    "-disable-concrete-type-metadata-mangled-name-accessors", "-disable-type-layout", "-prespecialize-generic-metadata",
    // Each function is a section of its own, which the linker can put where launch.order says.
    "-function-sections",
]
#if compiler(>=6.1)
    // What two functions have in common would be a third one without a name, for which that list has no place.
    frontend += ["-disable-llvm-merge-functions-pass", "-Xllvm", "-enable-merge-functions=false"]
#endif
/// Settings of every Swift target: warnings are errors, and an import shows in an interface only where it says so.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // The C library's headers differ with _GNU_SOURCE: Swift's import of them must see what CLinux sees.
    .unsafeFlags(
        ["-warnings-as-errors", "-Xcc", "-D_GNU_SOURCE"] + frontend.flatMap { ["-Xfrontend", $0] }),
]
let shimSettings: [CSetting] = [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]

/// A module map for one of Debian's C libraries.
func library(_ name: String, _ pkgConfig: String, _ debianPackage: String) -> Target {
    .systemLibrary(
        name: name, path: "CShims/\(name)", pkgConfig: pkgConfig, providers: [.apt([debianPackage])])
}

/// A room of the product. A target may depend on those above it in this file, never on one below.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], plugins: [Target.PluginUsage]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings, plugins: plugins)
}

/// The tests of a room.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "perigee",
    targets: [
        .plugin(name: "EmbedPlugin", capability: .buildTool(), path: "CShims/EmbedPlugin"),
        library("CArchive", "libarchive", "libarchive-dev"),
        library("CCrypto", "libcrypto", "libssl-dev"),
        library("CSeccomp", "libseccomp", "libseccomp-dev"),
        library("CYaml", "yaml-0.1", "libyaml-dev"),
        library("CZlib", "zlib", "zlib1g-dev"),
        library("CZstd", "libzstd", "libzstd-dev"),
        .target(name: "CLinux", path: "CShims/CLinux", cSettings: shimSettings),
        .target(name: "CLaunch", dependencies: ["CLinux"], path: "CShims/CLaunch", cSettings: shimSettings),
        .target(
            name: "CStart", path: "CShims/CStart", exclude: ["launch.order"],
            cSettings: shimSettings + [.define("PERIGEE_LEAN_START", .when(configuration: .release))]),
        room("Linux", ["CLinux"]),
        room("OCI", plugins: ["EmbedPlugin"]),
        room("Seccomp", ["CSeccomp", "Linux", "OCI"], plugins: ["EmbedPlugin"]),
        room("Cgroups", ["Linux", "OCI"]),
        room("Planning", ["OCI"]),
        room("Launching", ["CLaunch", "Cgroups", "Linux", "OCI", "Planning"], plugins: ["EmbedPlugin"]),
        room("Containers", ["Cgroups", "Launching", "Linux", "OCI", "Planning", "Seccomp"]),
        room("Network", ["Linux", "OCI"]),
        room("Images", ["CArchive", "CCrypto", "CZlib", "CZstd", "Linux", "OCI"]),
        room("Pods", ["CYaml", "Cgroups", "Containers", "Images", "Launching", "Linux", "Network", "OCI", "Planning"]),
        room("Measuring", ["Launching", "Planning"]),
        .executableTarget(
            name: "perigee",
            dependencies: [
                "CStart", "Containers", "Images", "Launching", "Linux", "Measuring", "Network", "OCI", "Planning",
                "Pods",
            ],
            swiftSettings: settings,
            // The name of the main function: newer package managers say the same by themselves, that of Swift 6.0 does
            // not when it builds for another machine. Not in debug builds, whose tests have a main of their own.
            // --wrap: what is left out before main, see CShims/CStart. The order: what a launch calls lies side by side, see
            // Rootfs/order.py; that and one segment for code and constants make a launch touch fewer pages.
            linkerSettings: [
                .unsafeFlags(
                    [
                        "-use-ld=lld", "-Xlinker", "--defsym=main=perigee_main", "-Xlinker", "--wrap=_dl_get_origin",
                        "-Xlinker", "--wrap=OPENSSL_cpuid_setup", "-Xlinker", "--wrap=__libc_start_main", "-Xlinker",
                        "--no-rosegment", "-Xlinker",
                        "--symbol-ordering-file=\(Context.packageDirectory)/CShims/CStart/launch.order", "-Xlinker",
                        "--no-warn-symbol-ordering",
                    ], .when(configuration: .release))
            ]),
        tests("LinuxTests", ["Linux"]),
        tests("OCITests", ["OCI"]),
        tests("SeccompTests", ["Linux", "OCI", "Seccomp"]),
        tests("CgroupsTests", ["Cgroups", "Linux", "OCI"]),
        tests("PlanningTests", ["OCI", "Planning"], exclude: ["Golden"]),
        tests("ImagesTests", ["Images", "Linux", "OCI"]),
        tests("ContainersTests", ["Containers"]),
        tests("NetworkTests", ["Linux", "Network"]),
        tests("PodsTests", ["Linux", "OCI", "Pods"], exclude: ["Golden"]),
        tests("LaunchingTests", ["CLaunch", "Launching", "Linux", "OCI", "Planning"]),
        tests("perigeeTests", ["perigee"]),
        tests("EndToEndTests", ["Images", "Launching", "Linux", "OCI", "Seccomp"]),
    ]
)
