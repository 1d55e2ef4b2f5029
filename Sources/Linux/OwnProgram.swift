internal import CLinux
internal import Glibc

/// This very executable, begun once more beside us in a session of its own, copied as it is, or going on there; and the memory
/// of this one.
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
    /// it: its number. What this process has read the copy need not read again; of what it has open the copy has `kept` alone,
    /// so `body` opens what else it uses. ps(1) shows `arguments`. This process must have one thread. Wraps fork(2).
    @discardableResult
    package static func fork(
        as arguments: [String], keeping kept: [Descriptor] = [], _ body: () -> Int32
    ) throws(SystemError) -> Int32 {
        let process = apart(arguments, kept) { clinux_fork_apart($0.baseAddress, $0.count, $1.baseAddress, $1.count) }
        if process == 0 { _exit(body()) }
        return Int32(truncatingIfNeeded: try check(process, "fork", "this process"))
    }

    /// The same for work that nobody waits for: the copy keeps nothing that is open here, and is no child of ours, so that we need
    /// not wait for its end.
    package static func forkAside(as arguments: [String], _ body: () -> Int32) throws(SystemError) {
        let process = apart(arguments, []) { words, _ in clinux_fork_aside(words.baseAddress, words.count) }
        if process == 0 { _exit(body()) }
        _ = try check(process, "fork", "this process")
    }

    /// What a process leaves to do for the one that has its number and that others wait for.
    package struct Rest {
        /// Files that it sees to the disk. They are its own from then on.
        package var files: [Descriptor]
        /// What it then writes to the standard output.
        package var text: String
        /// This program's arguments, with which it is executed in the place of that process where one of this fails; behind them
        /// come `fsync` or `write`, and the error's number.
        package var otherwise: [String]

        package init(files: [Descriptor], text: String, otherwise: [String]) {
            self.files = files
            self.text = text
            self.otherwise = otherwise
        }
    }

    /// Goes on in a new process, in a session of its own, of which all holds that holds of the copy of
    /// ``fork(as:keeping:_:)``; who waits for this process gets its end as soon as it has done what `rest` says. There is no copy
    /// of the memory, so that this takes a fifth of the time of one. This process must have one thread. Wraps clone3(2).
    package static func goOnApart(
        as arguments: [String], keeping kept: [Descriptor], leaving rest: Rest
    ) throws(SystemError) {
        // All of it is the old process's, for as long as it takes: never freed.
        let room = 16
        let call = UnsafeMutablePointer<CChar>.allocate(capacity: room)
        let code = UnsafeMutablePointer<CChar>.allocate(capacity: room)
        (call[0], code[0]) = (0, 0)
        let count = rest.otherwise.count
        let words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count + 3)
        for i in 0..<count { words[i] = strdup(rest.otherwise[i]) }
        (words[count], words[count + 1], words[count + 2]) = (call, code, nil)
        let files = UnsafeMutablePointer<Int32>.allocate(capacity: rest.files.count + 1)
        for i in 0..<rest.files.count { files[i] = rest.files[i].number }
        var left = clinux_rest()
        (left.files, left.count) = (UnsafePointer(files), rest.files.count)
        (left.text, left.length) = (UnsafePointer(strdup(rest.text)), rest.text.utf8.count)
        (left.otherwise, left.call, left.code) = (words, call, code)
        let result = apart(arguments, kept) {
            clinux_go_on_apart($0.baseAddress, $0.count, $1.baseAddress, $1.count, &left)
        }
        _ = try check(result, "clone3", "this process")
    }

    /// Lays the words that ps(1) shows side by side, and the numbers of what stays open in their order.
    private static func apart(
        _ arguments: [String], _ kept: [Descriptor],
        _ body: (UnsafeBufferPointer<CChar>, UnsafeBufferPointer<Int32>) -> Int
    ) -> Int {
        // No more kinds of arrays than need be: the first of each takes longer than what is done with it.
        var words: [CChar] = []
        for argument in arguments {
            for byte in argument.utf8 { words.append(CChar(bitPattern: byte)) }
            words.append(0)
        }
        var numbers: [Int32] = []
        for descriptor in kept { numbers.append(descriptor.number) }
        numbers.sort()
        return words.withUnsafeBufferPointer { words in numbers.withUnsafeBufferPointer { body(words, $0) } }
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
