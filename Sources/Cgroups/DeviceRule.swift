/// One rule of `linux.resources.devices`: of those that match a request, the last one decides.
package struct DeviceRule: Hashable, Sendable {
    /// Which nodes; the numbers are the kernel's `BPF_DEVCG_DEV_`.
    package enum Kind: UInt32, Sendable {
        case any = 0
        case block = 1
        case character = 2
    }

    /// What is asked for; the numbers are the kernel's `BPF_DEVCG_ACC_`.
    package struct Access: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let makeNode = Access(rawValue: 1)
        package static let read = Access(rawValue: 2)
        package static let write = Access(rawValue: 4)
        package static let all: Access = [.makeNode, .read, .write]

        /// Letters as v1 files have them: `rwm`.
        var letters: String {
            (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
        }
    }

    package var isAllowed: Bool
    package var kind: Kind
    /// nil is any.
    package var major: UInt32?
    package var minor: UInt32?
    package var access: Access

    package init(allow: Bool, _ kind: Kind, _ major: UInt32?, _ minor: UInt32?, _ access: Access) {
        (isAllowed, self.kind, self.major, self.minor, self.access) = (allow, kind, major, minor, access)
    }

    /// Whether it speaks of every device.
    var coversEverything: Bool { kind == .any && major == nil && minor == nil && access == .all }

    /// What every container may do whatever its rules: make any node, which gives no right to open it, and use the
    /// devices that the runtime specification puts into each container, with the pseudo terminals (136). The host's own
    /// console (5:1) is not among them: a container's /dev/console is one of the pseudo terminals.
    package static let defaults: [DeviceRule] = [
        DeviceRule(allow: true, .character, nil, nil, .makeNode),
        DeviceRule(allow: true, .block, nil, nil, .makeNode),
        DeviceRule(allow: true, .character, 1, 3, .all),
        DeviceRule(allow: true, .character, 1, 5, .all),
        DeviceRule(allow: true, .character, 1, 7, .all),
        DeviceRule(allow: true, .character, 1, 8, .all),
        DeviceRule(allow: true, .character, 1, 9, .all),
        DeviceRule(allow: true, .character, 5, 0, .all),
        DeviceRule(allow: true, .character, 5, 2, .all),
        DeviceRule(allow: true, .character, 136, nil, .all),
    ]
}

extension DeviceRule: CustomStringConvertible {
    /// As v1 wants it: `c 1:3 rwm`.
    package var description: String {
        let letter = kind == .any ? "a" : kind == .block ? "b" : "c"
        return "\(letter) \(major.map(String.init) ?? "*"):\(minor.map(String.init) ?? "*") \(access.letters)"
    }
}
