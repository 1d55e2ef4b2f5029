package import OCI
internal import Planning
internal import Seccomp

/// What this runtime can do, for engines that ask before they do: runtime-spec, features.md and features-linux.md. It is
/// said of the runtime and not of the host.
package enum RuntimeFeatures {
    package static var json: JSON.Value {
        .object([
            ("ociVersionMin", .string("1.0.0")), ("ociVersionMax", .string("1.3.0")),
            (
                "hooks",
                .strings(["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"])
            ),
            ("mountOptions", .strings(MountOptions.names)), ("linux", linux), ("annotations", .object([])),
        ])
    }

    private static var linux: JSON.Value {
        func enabled(_ isEnabled: Bool) -> JSON.Value { .object([("enabled", .bool(isEnabled))]) }
        return .object([
            ("namespaces", .strings(LinuxSpec.namespaceTypes.sorted())),
            ("capabilities", .strings(Capability.names.map { "CAP_" + $0 })),
            (
                "cgroup",
                .object([
                    ("v1", .bool(true)), ("v2", .bool(true)), ("systemd", .bool(false)), ("systemdUser", .bool(false)),
                    ("rdma", .bool(true)),
                ])
            ),
            (
                "seccomp",
                .object([
                    ("enabled", .bool(true)), ("actions", .strings(SeccompAction.names)),
                    ("operators", .strings(SeccompRule.operators)), ("archs", .strings(SeccompArchitecture.names)),
                    ("knownFlags", .strings(SeccompFlags.names)), ("supportedFlags", .strings(SeccompFlags.names)),
                ])
            ),
            ("apparmor", enabled(true)), ("selinux", enabled(true)),
            (
                "intelRdt",
                .object([("enabled", .bool(true)), ("schemata", .bool(true)), ("monitoring", .bool(true))])
            ),
            ("mountExtensions", .object([("idmap", enabled(true))])), ("netDevices", enabled(true)),
        ])
    }
}
