internal import Glibc
package import Linux
internal import OCI

/// What passes between the caller and a container beside its configuration: sockets and files that are told of it, and
/// what of the caller's the command gets.
package struct Handover: Sendable {
    /// The AF_UNIX stream socket that takes the terminal; nil: it is shown on the caller's own.
    package var consoleSocket: String?
    /// The one that takes the pidfd of the container's first process.
    package var pidfdSocket: String?
    /// The file that its number is written to.
    package var pidFile: String?
    /// So many of the caller's descriptors, from 3 on, are the command's; `listening` of them are sockets as
    /// sd_listen_fds(3) passes them.
    package var preserved = 0
    private(set) var listening = 0
    /// The container has a session keyring of its own.
    package var hasKeyring = true
    /// The command goes on without its runtime.
    package var isDetached = false

    package init() {}

    /// The most descriptors that are passed on.
    package static let limit = 1024

    /// Adds to `preserved`, with `activated`, what a service manager has given us, and looks at each of them. Called before
    /// we have opened anything: they must be the caller's.
    package mutating func claimDescriptors(activated: Bool) throws(ContainersError) {
        if activated, let process = Environment.value(of: "LISTEN_PID"), process == "\(Identity.process)" {
            listening = Environment.value(of: "LISTEN_FDS").flatMap { Int($0) } ?? 0
            listening = max(0, min(listening, Handover.limit - preserved))
        }
        preserved += listening
        for n in 0..<preserved {
            let descriptor = Descriptor(Int32(3 + n))
            guard descriptor.isInherited else {
                throw .notInherited(descriptor.number, by: n < listening ? "LISTEN_FDS" : "--preserve-fds")
            }
        }
    }

    /// What the command is told of the sockets.
    var environment: [String] { listening == 0 ? [] : ["LISTEN_FDS=\(listening)", "LISTEN_PID=1"] }

    /// Of the terminal on which that of `process` is to be seen; nil: it is seen elsewhere, or there is none.
    func terminalSize(of process: ProcessSpec?) -> ProcessSpec.TerminalSize? {
        guard process?.terminal == true, consoleSocket == nil, let size = TerminalRelay.callerSize else { return nil }
        return ProcessSpec.TerminalSize(rows: size.rows, columns: size.columns)
    }

    /// Writes the number of the container's process to the file that is wanted. All or nothing.
    package func write(_ process: Int32) throws(SystemError) {
        guard let pidFile else { return }
        try Descriptor.workingDirectory.replaceFile(pidFile, with: Array("\(process)".utf8), mode: 0o644)
    }

    /// Whether there is somebody who takes the terminal, and a terminal for who wants one.
    package func check(terminal: Bool) throws(ContainersError) {
        if terminal, isDetached, consoleSocket == nil { throw .noConsoleSocket }
        if !terminal, consoleSocket != nil { throw .noTerminal }
    }
}

/// The sockets of a handover, connected to before there is a container: what may fail for them fails then.
struct HandoverSockets: ~Copyable {
    /// Through which the child sends its terminal; nil: it has none.
    private(set) var console: OwnedDescriptor?
    /// Where it comes to us.
    private var receiver: OwnedDescriptor?
    private var pidfd: OwnedDescriptor?
    private let handover: Handover

    static func open(_ handover: Handover, terminal: Bool) throws(ContainersError) -> HandoverSockets {
        let pidfd = try connect("--pidfd-socket", handover.pidfdSocket)
        guard terminal else { return HandoverSockets(handover, console: nil, receiver: nil, pidfd: pidfd) }
        if let console = try connect("--console-socket", handover.consoleSocket) {
            return HandoverSockets(handover, console: console, receiver: nil, pidfd: pidfd)
        }
        var pair: SocketPair
        do throws(SystemError) { pair = try SocketPair() } catch { throw .terminal(error) }
        return HandoverSockets(handover, console: pair.far.take(), receiver: pair.near.take(), pidfd: pidfd)
    }

    private init(
        _ handover: Handover, console: consuming OwnedDescriptor?, receiver: consuming OwnedDescriptor?,
        pidfd: consuming OwnedDescriptor?
    ) {
        self.handover = handover
        self.console = console
        self.receiver = receiver
        self.pidfd = pidfd
    }

    private static func connect(_ option: String, _ path: String?) throws(ContainersError) -> OwnedDescriptor? {
        guard let path else { return nil }
        do throws(SystemError) { return try LocalSocket.connect(path) } catch {
            throw .socket(option: option, path: path, error)
        }
    }

    /// For the child; the caller closes it once that is launched.
    mutating func takeConsole() -> OwnedDescriptor? { console.take() }

    /// Tells of the process that runs now, whose pidfd is `pidfd`.
    mutating func tell(_ process: Descriptor) throws(ContainersError) {
        guard let path = handover.pidfdSocket, let socket = pidfd?.view else { return }
        do throws(SystemError) { try socket.send(process, "pidfd") } catch {
            throw .socket(option: "--pidfd-socket", path: path, error)
        }
    }

    /// The terminal of the process that has been launched; nil: somebody else has it.
    mutating func terminal() throws(ContainersError) -> OwnedDescriptor? {
        guard let receiver = receiver?.view else { return nil }
        do throws(SystemError) { return try receiver.receiveFile() } catch { throw .terminal(error) }
    }
}
