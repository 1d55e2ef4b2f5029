internal import CLinux
internal import Glibc

/// A helper process that turns what it reads from one open file into a stream that we read, and can do nothing else: the
/// user nobody, without capabilities, under a seccomp filter, with a memory limit. Its program is of this host and
/// trusted to do no harm; what it reads is not. It is killed and reaped when this value goes, and dies with this thread.
package final class FilterProcess {
    private let process: ProcessHandle
    /// Its standard output; it does not block.
    private let pipe: OwnedDescriptor

    /// The process's number.
    package var identifier: Int32 { process.identifier }

    private init(_ process: consuming ProcessHandle, _ pipe: consuming OwnedDescriptor) {
        self.process = process
        self.pipe = pipe
    }

    deinit {
        // It may have ended, and been reaped, already.
        do throws(SystemError) {
            try process.send(SIGKILL)
            _ = try process.wait()
        } catch {}
    }

    /// Starts `program`, an absolute path, with `arguments` and `input` as its standard input.
    package static func start(_ program: String, _ arguments: [String], input: Descriptor) throws(SystemError)
        -> FilterProcess
    {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) { bytes in
            clinux_pipe(bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        _ = try check(made, "pipe2", "")
        let near = OwnedDescriptor(taking: ends.0)
        let far = OwnedDescriptor(taking: ends.1)
        // Larger is faster; refused where a user has too many pipes, and then it is slower.
        _ = clinux_fcntl(near.view.number, F_SETPIPE_SZ, 1 << 20)
        _ = try check(clinux_fcntl(near.view.number, F_SETFL, Int(O_NONBLOCK)), "fcntl", near.view.subject)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var pidfd: Int32 = -1
        let n = clinux_start_filter(program, words, input.number, far.view.number, &pidfd)
        let identifier = Int32(try check(n, "clone3", program))
        return FilterProcess(ProcessHandle(identifier: identifier, taking: pidfd), near)
    }

    /// Reads what it has written, at most `buffer.count` bytes; nil: nothing at the moment. 0: no more will come.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        do throws(SystemError) { return try pipe.view.read(into: buffer) } catch  where error.code == .EAGAIN {
            return nil
        }
    }

    /// Waits until there is something to read, or the end.
    package func waitForOutput() throws(SystemError) { _ = try Poll.readable([pipe.view]) }

    /// Waits for its end and reaps it.
    package func wait() throws(SystemError) -> ProcessEnd { try process.wait() }
}
