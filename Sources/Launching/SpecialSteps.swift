internal import CLaunch
internal import Glibc
internal import Linux
internal import Planning

// What few configurations ask the runtime to do.

/// A source of a bind mount that is more than a clone of what a path leads to.
struct OpenedSource: ~Copyable {
    let descriptor: OwnedDescriptor
    let isDirectory: Bool
    /// What it leads to if it is a link that is made again; else empty.
    let link: String

    private init(_ descriptor: consuming OwnedDescriptor, isDirectory: Bool, link: String = "") {
        self.descriptor = descriptor
        self.isDirectory = isDirectory
        self.link = link
    }

    static func open(_ source: SpecialSource) throws(SystemError) -> OpenedSource {
        let here = Descriptor.workingDirectory
        let file =
            if source.link == .followed {
                try here.openFollowing(source.path, O_PATH)
            } else {
                try here.open(source.path, O_PATH)
            }
        let status = try file.view.status()
        if source.link == .copied && status.isSymlink {
            return OpenedSource(file, isDirectory: false, link: try here.readLink(source.path))
        }
        let mount = try file.view.cloneMount(recursive: source.recursive)
        switch source.owners {
        case nil: break
        case .ranges(let uid, let gid, let isRecursive):
            let space = try UserNamespaceHolder.namespace(uid: uid, gid: gid)
            try mount.view.mapOwners(by: space.view, recursive: isRecursive)
        case .namespace(let path, let isRecursive):
            let space = try here.openFollowing(path, O_RDONLY)
            try mount.view.mapOwners(by: space.view, recursive: isRecursive)
        }
        return OpenedSource(mount, isDirectory: status.isDirectory)
    }
}

/// The clocks of a time namespace, time_namespaces(7).
enum TimeNamespace {
    /// Makes one for the children that this process has from now on. The offsets are written before one is in it.
    static func enter(monotonic: ClockOffset?, boottime: ClockOffset?) throws(SystemError) {
        try Namespaces.unshare(LaunchPlan.Namespace.time.cloneFlag)
        var text = ""
        for (clock, offset) in [("monotonic", monotonic), ("boottime", boottime)] {
            if let offset { text += "\(clock) \(offset.seconds) \(offset.nanoseconds)\n" }
        }
        guard !text.isEmpty else { return }
        let process = try Descriptor.workingDirectory.open("/proc/\(Identity.process)", O_PATH | O_DIRECTORY)
        try process.view.writeFile("timens_offsets", text)
    }

    /// Later children are in our own again.
    static func leave() throws(SystemError) {
        let own = try Descriptor.workingDirectory.openFollowing("/proc/\(Identity.process)/ns/time", O_RDONLY)
        try own.view.enterNamespace(LaunchPlan.Namespace.time.cloneFlag)
    }
}

/// The interfaces that a container takes over.
enum NetworkDevices {
    /// Moves them into the network namespace `joined`, or that of process `child`.
    static func move(_ devices: [NetworkDevice], to child: Int32, joining joined: Descriptor?) throws(SystemError) {
        if let joined { return try move(devices, into: joined) }
        let space = try Descriptor.workingDirectory.openFollowing("/proc/\(child)/ns/net", O_RDONLY)
        try move(devices, into: space.view)
    }

    private static func move(_ devices: [NetworkDevice], into space: Descriptor) throws(SystemError) {
        // Those that were moved go with a launch that fails then: so all of them must be there first.
        for device in devices where if_nametoindex(device.hostName) == 0 {
            throw SystemError("if_nametoindex", "interface \(device.hostName)", .ENODEV)
        }
        for device in devices {
            var doing: UnsafePointer<CChar>?
            let error = device.hostName.withCString { hostName in
                device.name.withCString { name in
                    var wanted = launch_device(space: space.number, host_name: hostName, name: name)
                    return launch_move_device(&wanted, &doing)
                }
            }
            if error < 0 {
                let words = doing.map { String(cString: $0) } ?? ""
                throw SystemError(
                    "rtnetlink", "interface \(device.hostName)", detail: words, Errno(rawValue: Int32(-error)))
            }
        }
    }
}
