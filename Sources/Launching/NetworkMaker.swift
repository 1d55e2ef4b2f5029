internal import CLaunch
internal import Linux
package import Planning

/// The process that makes a network namespace beside the launch, and ends when it has sent it. It is begun as soon as it
/// is clear that there will be one, since it takes longer than all that comes before the child needs it. Dropped, it is
/// waited for.
package final class NetworkMaker {
    private let process: ProcessHandle
    private var memory: OpaquePointer?
    private var receiver: OwnedDescriptor?

    /// Begins before there is a plan. nil: it can't be begun; the launch tries again, and tells why.
    package static func early() -> NetworkMaker? { try? begin() }

    /// `begun`, or one that begins now, where `plan` asks for it: its step `makeNetwork`.
    ///
    /// - Throws: ``LaunchError/step(number:count:_:_:)``.
    package static func begin(for plan: LaunchPlan, _ begun: NetworkMaker?) throws(LaunchError) -> NetworkMaker? {
        guard let first = plan.before.first, case .makeNetwork = first else { return nil }
        if let begun { return begun }
        do throws(SystemError) { return try begin() } catch {
            throw .step(number: 1, count: plan.steps.count, first, error)
        }
    }

    private static func begin() throws(SystemError) -> NetworkMaker {
        var sockets = try SocketPair()
        guard let far = sockets.far?.view, let near = sockets.near.take() else { preconditionFailure("a new pair") }
        var memory: OpaquePointer?
        var pidfd: Int32 = -1
        let pid = launch_network(far.number, &pidfd, &memory)
        if pid < 0 { throw SystemError("clone3", "the maker of a network namespace", Errno(rawValue: Int32(-pid))) }
        return NetworkMaker(near, ProcessHandle(identifier: Int32(pid), taking: pidfd), memory)
    }

    private init(_ receiver: consuming OwnedDescriptor, _ process: consuming ProcessHandle, _ memory: OpaquePointer?) {
        self.process = process
        self.memory = memory
        self.receiver = consume receiver
    }

    /// The descriptor by which the namespace comes, once.
    func takeReceiver() -> OwnedDescriptor? { receiver.take() }

    /// Waits for its end, which is when the namespace is sent.
    package func reap() {
        guard let memory else { return }
        _ = try? process.wait()
        launch_birth_end(memory)
        self.memory = nil
    }

    deinit { reap() }
}
