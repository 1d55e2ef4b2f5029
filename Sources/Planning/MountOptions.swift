package import OCI

/// The options of a mount, sorted by what the kernel wants done with them: runtime-spec, config.md, "Linux mount
/// options", and mount(8).
package struct MountOptions: Hashable, Sendable {
    package var isBind = false
    package var isRecursive = false
    /// `remount`: attributes of what is mounted there already.
    package var isRemount = false
    package var copiesUp = false
    package var link = SpecialSource.Link.followed
    package var coversLink = false
    package var owners = Owners.asTheyAre
    package var attributes = MountAttributes()
    package var recursiveAttributes = MountAttributes()
    package var propagation: [Propagation] = []
    /// What the file system itself is told.
    package var data: [FileSystemMount.Option] = []

    /// Whether owners are mapped: `idmap`, `ridmap`.
    package enum Owners: Hashable, Sendable { case asTheyAre, mapped, mappedBelowToo }

    /// Sorts `mount.options`; `at` is where they stand, for errors.
    package init(_ mount: MountSpec, at: String) throws(PlanningError) {
        isBind = mount.type == "bind"
        for option in mount.options { try read(option, at: at) }
    }

    private mutating func read(_ option: String, at: String) throws(PlanningError) {
        switch option {
        case "bind": isBind = true
        case "rbind": (isBind, isRecursive) = (true, true)
        case "defaults", "": break
        case "remount": isRemount = true
        case "tmpcopyup": copiesUp = true
        case "idmap": owners = .mapped
        case "ridmap": owners = .mappedBelowToo
        case "copy-symlink": link = .copied
        case "src-nofollow": link = .mounted
        case "dest-nofollow": coversLink = true
        // Of the superblock, and of every file system.
        case "sync", "dirsync", "lazytime", "mand", "iversion", "silent": data.append(.init(option))
        case "async", "nolazytime", "nomand", "noiversion", "loud": break
        default:
            if let kind = Propagation(option) { return propagation.append(kind) }
            if let change = MountOptions.attribute(option) { return MountOptions.apply(change, to: &attributes) }
            if option.hasPrefix("r"), let change = MountOptions.attribute(String(option.dropFirst())) {
                return MountOptions.apply(change, to: &recursiveAttributes)
            }
            if option.hasPrefix("idmap=") || option.hasPrefix("ridmap=") {
                throw .mountOption(option, at: at, why: "the mapping belongs into uidMappings and gidMappings")
            }
            guard let equals = option.firstIndex(of: "=") else { return data.append(.init(option)) }
            data.append(.init(String(option[..<equals]), String(option[option.index(after: equals)...])))
        }
    }

    private static func apply(_ change: MountAttributes, to attributes: inout MountAttributes) {
        attributes.set = attributes.set & ~change.clear | change.set
        attributes.clear = attributes.clear & ~change.set | change.clear
    }

    /// What an option sets and clears. An access time is one of several in a field: the field is cleared first.
    private static func attribute(_ option: String) -> MountAttributes? {
        func bit(_ attribute: UInt64, on: Bool) -> MountAttributes {
            on ? MountAttributes(set: attribute) : MountAttributes(clear: attribute)
        }
        switch option {
        case "ro": return bit(MountAttributes.readOnly, on: true)
        case "rw": return bit(MountAttributes.readOnly, on: false)
        case "nosuid": return bit(MountAttributes.noSetuid, on: true)
        case "suid": return bit(MountAttributes.noSetuid, on: false)
        case "nodev": return bit(MountAttributes.noDevices, on: true)
        case "dev": return bit(MountAttributes.noDevices, on: false)
        case "noexec": return bit(MountAttributes.noExecute, on: true)
        case "exec": return bit(MountAttributes.noExecute, on: false)
        case "nosymfollow": return bit(MountAttributes.noSymlinkFollow, on: true)
        case "symfollow": return bit(MountAttributes.noSymlinkFollow, on: false)
        case "nodiratime": return bit(MountAttributes.noDirectoryAccessTime, on: true)
        case "diratime": return bit(MountAttributes.noDirectoryAccessTime, on: false)
        case "relatime", "norelatime", "atime", "nostrictatime":
            return MountAttributes(clear: MountAttributes.accessTimeMask)
        case "noatime":
            return MountAttributes(set: MountAttributes.noAccessTime, clear: MountAttributes.accessTimeMask)
        case "strictatime":
            return MountAttributes(set: MountAttributes.strictAccessTime, clear: MountAttributes.accessTimeMask)
        default: return nil
        }
    }
}

extension MountAttributes {
    /// As mount_setattr(2) wants it: who sets an access time must clear the whole field.
    var forChange: MountAttributes {
        var change = self
        if set & MountAttributes.accessTimeMask != 0 { change.clear |= MountAttributes.accessTimeMask }
        return change
    }
}

extension Propagation {
    /// Reads `rslave` and its like.
    package init?(_ option: String) {
        if let kind = Kind(rawValue: option) { self.init(kind, recursive: false); return }
        guard option.hasPrefix("r"), let kind = Kind(rawValue: String(option.dropFirst())) else { return nil }
        self.init(kind, recursive: true)
    }

    /// `rslave`.
    package var text: String { (recursive ? "r" : "") + kind.rawValue }
}
