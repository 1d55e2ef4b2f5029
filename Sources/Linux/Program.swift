internal import CLinux
internal import Glibc

/// What to execute beside us, as execve(2) takes it, and where.
package struct Program {
    /// Absolute, in our mount namespace, or below `root`.
    package var path: String
    /// From `argv[0]` on.
    package var arguments: [String]
    /// `NAME=VALUE`: all of it.
    package var environment: [String]
    /// Its working directory; nil: `place`, or ours.
    package var directory: String?
    /// It joins these first, a user namespace before the others, and becomes root there.
    package var namespaces: [Descriptor] = []
    /// The first of them is a user namespace.
    package var hasUserNamespace = false
    /// It is born in this one.
    package var pidNamespace: Descriptor?
    /// Directories inside: its root, and its working directory.
    package var root: Descriptor?
    package var place: Descriptor?

    package init(path: String, arguments: [String], environment: [String], directory: String? = nil) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }

    /// Starts it, and lets it wait for ``StartedProgram/execute()``. `output` takes both of its output streams where there is
    /// no `errors`.
    package func start(
        input: Descriptor, output: Descriptor, errors: Descriptor? = nil
    ) throws(SystemError) -> StartedProgram {
        var sockets = try SocketPair()
        guard let far = sockets.far?.view, let near = sockets.near.take() else { preconditionFailure("a new pair") }
        var pidfd: Int32 = -1
        let n = try inPidNamespace { clone(input, output, errors ?? output, far, near.view, &pidfd) }
        let identifier = Int32(try check(n, "clone3", path))
        return StartedProgram(ProcessHandle(identifier: identifier, taking: pidfd), near, path)
    }

    /// A process can't move into a pid namespace: its children can be born there.
    private func inPidNamespace(_ body: () -> Int) throws(SystemError) -> Int {
        guard let pidNamespace else { return body() }
        let own = try OwnNamespaces.remember()
        try pidNamespace.enterNamespace(0x2000_0000)  // CLONE_NEWPID
        let result = body()
        _ = consume own
        return result
    }

    private func clone(
        _ input: Descriptor, _ output: Descriptor, _ errors: Descriptor, _ control: Descriptor, _ ours: Descriptor,
        _ pidfd: inout Int32
    ) -> Int {
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        let name = strdup(path), place = directory.map { strdup($0) } ?? nil
        var joined = namespaces.map(\.number)
        defer { for text in words + variables + [name, place] { free(text) } }
        return words.withUnsafeMutableBufferPointer { words in
            variables.withUnsafeMutableBufferPointer { variables in
                joined.withUnsafeMutableBufferPointer { joined in
                    var how = clinux_program()
                    how.path = UnsafePointer(name)
                    how.arguments = words.baseAddress.map { UnsafePointer($0) }
                    how.environment = variables.baseAddress.map { UnsafePointer($0) }
                    how.input = input.number
                    how.output = output.number
                    how.errors = errors.number
                    how.control = control.number
                    how.others = ours.number
                    how.namespaces = joined.baseAddress.map { UnsafePointer($0) }
                    how.namespace_count = UInt32(joined.count)
                    how.has_user = hasUserNamespace ? 1 : 0
                    how.root = root?.number ?? -1
                    how.place = self.place?.number ?? -1
                    how.directory = UnsafePointer(place)
                    return clinux_start_program(&how, &pidfd)
                }
            }
        }
    }
}

/// A program that was started. It is killed with its process group, and reaped, when this value goes before its end was
/// waited for.
package struct StartedProgram: ~Copyable {
    private let process: ProcessHandle
    private let control: OwnedDescriptor
    private let path: String
    private var isReaped = false

    fileprivate init(_ process: consuming ProcessHandle, _ control: consuming OwnedDescriptor, _ path: String) {
        self.process = process
        self.control = control
        self.path = path
    }

    deinit {
        if !isReaped {
            ProcessGroup.kill(leader: process.identifier)
            try? process.send(SIGKILL)
            _ = try? process.wait()
        }
    }

    package var identifier: Int32 { process.identifier }

    /// For poll(2): readable once it has ended.
    package var view: Descriptor { process.view }

    /// Lets it go on, and returns when the program is being executed.
    ///
    /// - Throws: what it failed with on the way there.
    package func execute() throws(SystemError) {
        try control.view.send(1)
        var failure = clinux_program_failure()
        let size = MemoryLayout<clinux_program_failure>.size
        let n: Result<Int, SystemError> = withUnsafeMutableBytes(of: &failure) { bytes in
            do throws(SystemError) { return .success(try control.view.read(into: bytes)) } catch {
                return .failure(error)
            }
        }
        guard try n.get() == size else { return }
        let calls = ["dup3", "setns", "setresuid", "chroot", "chdir", "execve"]
        let step = Int(failure.step)
        throw SystemError(calls.indices.contains(step) ? calls[step] : "clone3", path, Errno(rawValue: failure.code))
    }

    /// Waits for its end.
    package func look() throws(SystemError) -> ProcessEnd { try process.look() }

    /// Waits for its end, and reaps it.
    package mutating func wait() throws(SystemError) -> ProcessEnd {
        let end = try process.wait()
        isReaped = true
        return end
    }
}

/// The processes that share a group, setpgid(2).
package enum ProcessGroup {
    /// Kills those of the group whose leader is `leader`; nobody may have waited for that yet, or the number could be
    /// another's.
    package static func kill(leader: Int32) { _ = clinux_kill_group(leader) }
}

/// A pipe, close-on-exec; an end that is set to nil is closed. Wraps pipe2(2).
package struct Pipe: ~Copyable {
    /// To read from; it does not block.
    package var near: OwnedDescriptor?
    package var far: OwnedDescriptor?

    package static func make() throws(SystemError) -> Pipe {
        var two: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &two) { bytes in
            clinux_pipe(bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        _ = try check(made, "pipe2", "")
        let read = OwnedDescriptor(taking: two.0)
        let write = OwnedDescriptor(taking: two.1)
        _ = try check(clinux_fcntl(read.view.number, F_SETFL, Int(O_NONBLOCK)), "fcntl", read.view.subject)
        return Pipe(near: read, far: write)
    }

    private init(near: consuming OwnedDescriptor, far: consuming OwnedDescriptor) {
        self.near = consume near
        self.far = consume far
    }
}

/// Our standard streams, replaced as long as this value lives: a process that is made meanwhile has the others.
package struct ReplacedStreams: ~Copyable {
    private let saved: (Int32, Int32, Int32)

    /// `output` takes both output streams.
    package static func replace(input: Descriptor, output: Descriptor) throws(SystemError) -> ReplacedStreams {
        let first = try Descriptor.standardInput.duplicate()
        let second = try Descriptor.standardOutput.duplicate()
        let third = try Descriptor.standardError.duplicate()
        Descriptor.standardInput.become(input)
        Descriptor.standardOutput.become(output)
        Descriptor.standardError.become(output)
        return ReplacedStreams(saved: (first.release(), second.release(), third.release()))
    }

    private init(saved: (Int32, Int32, Int32)) { self.saved = saved }

    deinit {
        Descriptor.standardInput.become(Descriptor(saved.0))
        Descriptor.standardOutput.become(Descriptor(saved.1))
        Descriptor.standardError.become(Descriptor(saved.2))
        _ = clinux_close(saved.0)
        _ = clinux_close(saved.1)
        _ = clinux_close(saved.2)
    }
}
