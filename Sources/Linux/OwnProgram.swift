internal import CLinux
internal import Glibc

/// This very executable, begun once more beside us in a session of its own, or copied as it is; and the memory of this one.
package enum OwnProgram {
    /// Starts it in a session of its own with none of our open files, and does not wait for it: its number. Wraps
    /// posix_spawn(3).
    package static func detach(_ arguments: [String], environment: [String]) throws(SystemError) -> Int32 {
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        var none = sigset_t(), all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSID))
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        // What our caller had open is somebody's who may wait for its end.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var process: Int32 = 0
        let failure = withWords(arguments) { words in
            withWords(environment) { variables in
                posix_spawn(&process, "/proc/self/exe", &actions, &attributes, words, variables)
            }
        }
        if failure != 0 { throw SystemError("posix_spawn", "/proc/self/exe", Errno(rawValue: failure)) }
        return process
    }

    /// Has a copy of this process run `body` and end with what that returns, in a session of its own, and does not wait for
    /// it: its number. What this process has read the copy need not read again; of what it has open the copy has nothing,
    /// so `body` opens what it uses. ps(1) shows `arguments`. This process must have one thread. Wraps fork(2).
    @discardableResult
    package static func fork(as arguments: [String], _ body: () -> Int32) throws(SystemError) -> Int32 {
        let words = Array(arguments.map { Array($0.utf8) + [0] }.joined()).map { CChar(bitPattern: $0) }
        let process = words.withUnsafeBufferPointer { clinux_fork_apart($0.baseAddress, $0.count) }
        if process == 0 { _exit(body()) }
        return Int32(truncatingIfNeeded: try check(process, "fork", "this process"))
    }

    /// Gives the kernel back what it has freed: for one that is about to wait for long. Wraps malloc_trim(3).
    package static func giveMemoryBack() { clinux_trim_heap() }

    private static func withWords(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        let words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        return words.withUnsafeBufferPointer { buffer in buffer.baseAddress.map(body) ?? EINVAL }
    }
}
