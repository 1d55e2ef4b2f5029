/// What happens to a call: the value that a filter returns, `SECCOMP_RET_`.
package struct SeccompAction: Hashable, Sendable {
    /// The action in the upper half, its data (an error number) in the lower one.
    package let returnValue: UInt32

    package init(returnValue: UInt32) { self.returnValue = returnValue }

    package static let killProcess = SeccompAction(returnValue: 0x8000_0000)
    package static let killThread = SeccompAction(returnValue: 0x0000_0000)
    package static let trap = SeccompAction(returnValue: 0x0003_0000)
    package static let notify = SeccompAction(returnValue: 0x7fc0_0000)
    package static let log = SeccompAction(returnValue: 0x7ffc_0000)
    package static let allow = SeccompAction(returnValue: 0x7fff_0000)
    /// The call fails with `number`.
    package static func errno(_ number: UInt16) -> SeccompAction {
        SeccompAction(returnValue: 0x0005_0000 | UInt32(number))
    }
    /// A tracer is asked; without one the call fails with ENOSYS.
    package static func trace(_ message: UInt16) -> SeccompAction {
        SeccompAction(returnValue: 0x7ff0_0000 | UInt32(message))
    }

    /// ENOSYS, the kernel's own word for a call that it does not have.
    package static let notImplemented = errno(38)

    /// Whether new calls may pass: a stub for unknown calls would take from what such an action gives.
    var isPermissive: Bool {
        self == .allow || self == .log || returnValue & 0xffff_0000 == SeccompAction.trace(0).returnValue
    }

    /// What profiles call them.
    package static let names = [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ]

    /// The action that a profile calls `name`; `number` is its `errnoRet`, EPERM if there is none.
    init(name: String, number: UInt32?, place: String) throws(SeccompError) {
        let number = number ?? 1
        guard let data = UInt16(exactly: number) else { throw .errno(UInt64(number), place: place) }
        switch name {
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": self = .killThread
        case "SCMP_ACT_KILL_PROCESS": self = .killProcess
        case "SCMP_ACT_TRAP": self = .trap
        case "SCMP_ACT_ERRNO": self = .errno(data)
        case "SCMP_ACT_TRACE": self = .trace(data)
        case "SCMP_ACT_ALLOW": self = .allow
        case "SCMP_ACT_LOG": self = .log
        case "SCMP_ACT_NOTIFY": self = .notify
        default: throw .action(name, place: place)
        }
    }
}

extension SeccompAction: CustomStringConvertible {
    /// `allow`, `errno 1`, `kill process`.
    package var description: String {
        switch returnValue & 0xffff_0000 {
        case SeccompAction.allow.returnValue: "allow"
        case SeccompAction.log.returnValue: "log"
        case SeccompAction.notify.returnValue: "notify"
        case SeccompAction.trap.returnValue: "trap"
        case SeccompAction.killThread.returnValue: "kill thread"
        case SeccompAction.killProcess.returnValue: "kill process"
        case SeccompAction.trace(0).returnValue: "trace \(returnValue & 0xffff)"
        case SeccompAction.errno(0).returnValue: "errno \(returnValue & 0xffff)"
        default: "unknown action \(returnValue)"
        }
    }
}
