internal import CLaunch
internal import Glibc
internal import Linux
package import Planning

/// The process that makes the group's directory and a network namespace beside the launch, and ends when it has told of
/// them. It is begun as soon as it is clear what is wanted, since both take longer than what comes before they are
/// needed. Dropped, it is waited for.
package final class LaunchHelper {
    private let process: ProcessHandle
    private var memory: OpaquePointer?
    private var receiver: OwnedDescriptor?
    private let directory: Directory?
    /// The directory is the launch's.
    private var isTaken = false

    /// What it is to make, and what above it where that is missing: its copies of the paths.
    private struct Directory {
        let path: UnsafeMutablePointer<CChar>?
        let above: UnsafeMutablePointer<CChar>?
    }

    /// Begins before there is a plan, with the group's directory, and the one above where that may be made. nil: it can't be begun; the launch tries again, and tells why.
    package static func early(directory: (path: String, above: String?)?) -> LaunchHelper? {
        try? begin(directory)
    }

    /// `begun`, or one that begins now, where `plan` asks for it: its step `makeNetwork`.
    ///
    /// - Throws: ``LaunchError/step(number:count:_:_:)``.
    package static func begin(for plan: LaunchPlan, _ begun: LaunchHelper?) throws(LaunchError) -> LaunchHelper? {
        guard let first = plan.before.first, case .makeNetwork = first else { return begun }
        if let begun { return begun }
        do throws(SystemError) { return try begin(nil) } catch {
            throw .step(number: 1, count: plan.steps.count, first, error)
        }
    }

    private static func begin(_ directory: (path: String, above: String?)?) throws(SystemError) -> LaunchHelper {
        var sockets = try SocketPair()
        guard let far = sockets.far?.view, let near = sockets.near.take() else { preconditionFailure("a new pair") }
        let paths = directory.map { Directory(path: strdup($0), above: $1.flatMap { strdup($0) }) }
        var memory: OpaquePointer?
        var pidfd: Int32 = -1
        let pid = launch_helper(far.number, paths?.path, paths?.above, &pidfd, &memory)
        // Not before: the compiler lets go of a value that is not used any more.
        sockets.far = nil
        if pid < 0 {
            free(paths)
            throw SystemError("clone3", "the launch's helper", Errno(rawValue: Int32(-pid)))
        }
        return LaunchHelper(near, ProcessHandle(identifier: Int32(pid), taking: pidfd), memory, paths)
    }

    private init(
        _ receiver: consuming OwnedDescriptor, _ process: consuming ProcessHandle, _ memory: OpaquePointer?,
        _ directory: Directory?
    ) {
        self.process = process
        self.memory = memory
        self.directory = directory
        self.receiver = consume receiver
    }

    /// The descriptor by which the namespace comes, once.
    func takeReceiver() -> OwnedDescriptor? { receiver.take() }

    /// Whether it has made the directory `path` for the launch: true once, and false where it was not told to, or has died.
    /// Throws what mkdirat(2) says.
    func hasMade(_ path: String) throws(SystemError) -> Bool {
        guard let memory, !isTaken, let told = directory?.path, strcmp(told, path) == 0 else { return false }
        isTaken = true
        let result = Int32(launch_helper_directory(memory, process.view.number))
        if result == -ESRCH { return false }
        if result < 0 { throw SystemError("mkdirat", path, Errno(rawValue: -result)) }
        return true
    }

    /// Waits for its end. Whether it may have made a directory that no launch has taken.
    package func end() -> Bool {
        guard let memory, !isTaken, directory != nil else {
            reap()
            return false
        }
        let result = launch_helper_directory(memory, process.view.number)
        reap()
        return result == 0 || result == -Int(ESRCH)
    }

    /// Waits for its end, which is when all is made.
    package func reap() {
        guard let memory else { return }
        _ = try? process.wait()
        launch_birth_end(memory)
        LaunchHelper.free(directory)
        self.memory = nil
    }

    private static func free(_ directory: Directory?) {
        Glibc.free(directory?.path)
        Glibc.free(directory?.above)
    }

    deinit { reap() }
}
