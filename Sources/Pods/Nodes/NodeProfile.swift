internal import Glibc
internal import Linux
package import OCI

/// What a node gives its pods.
package struct NodeProfile: Hashable, Sendable {
    package let name: NodeName
    private let settings: NodeSettings

    init(name: NodeName, settings: NodeSettings) {
        self.name = name
        self.settings = settings
    }

    /// Whether this machine has it.
    package var isEnabled: Bool { settings.isEnabled }
    /// What its images are for, `arm64` or `amd64`; nil: whatever runs here.
    package var architecture: String? { settings.architecture }
    /// What pods take one of, see ``DeviceSlot``; empty: nothing is exclusive.
    package var slots: [String] { settings.slots }

    /// Adds the node's processors and devices to the configuration of a pod that has `slot` of it.
    ///
    /// - Parameter cdiDirectories: where CDI files are; the later directories go before the earlier.
    package func apply(
        to spec: inout RuntimeSpec, slot: String?, cdiDirectories: [String]
    ) throws(PodsError) {
        guard isEnabled else { throw .nodeDisabled(name) }
        if let processors = settings.processors { spec.linux.resources.cpu.cpus = processors }
        for path in settings.devices { spec.add(try HostDevice.at(path, file: nil), at: path, access: "rwm") }
        var names: [CDIName] = []
        for text in settings.cdi {
            guard let name = CDIName(text) ?? slot.flatMap({ CDIName("\(text)=\($0)") }) else {
                throw .cdiName(text)
            }
            names.append(name)
        }
        try CDIDevices.apply(names, to: &spec, directories: cdiDirectories)
    }
}

/// A device node of the host's.
struct HostDevice: Hashable, Sendable {
    /// `c`, `b` or `p`.
    var type: String
    var major: Int64
    var minor: Int64
    var mode: UInt32
    var user: UInt32
    var group: UInt32

    /// What `path` is; `file` is the CDI file that names it.
    static func at(_ path: String, file: String?) throws(PodsError) -> HostDevice {
        let status: FileStatus
        do throws(SystemError) {
            let file = try Descriptor.workingDirectory.openFollowing(path, O_PATH)
            status = try file.view.status()
        } catch { throw .device(path, file: file, error) }
        let type: String
        switch status.mode & S_IFMT {
        case S_IFCHR: type = "c"
        case S_IFBLK: type = "b"
        case S_IFIFO: type = "p"
        default: throw .notADevice(path, file: file)
        }
        let device = status.rawDevice
        // As makedev(3) packs them.
        return HostDevice(
            type: type, major: Int64(device >> 8 & 0xfff | device >> 32 & 0xffff_f000),
            minor: Int64(device & 0xff | device >> 12 & 0xffff_ff00), mode: status.mode & 0o777,
            user: status.owner, group: status.group)
    }
}

extension RuntimeSpec {
    /// Adds a device, in the place of one that is there, and allows `access` to it.
    mutating func add(_ device: HostDevice, at path: String, access: String) {
        linux.devices.removeAll { $0.path == path }
        linux.devices.append(
            LinuxSpec.Device(
                path: path, type: device.type, major: device.major, minor: device.minor, fileMode: device.mode,
                uid: device.user, gid: device.group))
        guard device.type != "p", !access.isEmpty else { return }
        linux.resources.devices.append(
            LinuxResources.DeviceRule(
                allow: true, type: device.type == "b" ? "b" : "c", major: device.major, minor: device.minor,
                access: access))
    }
}
