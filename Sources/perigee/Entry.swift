internal import Glibc

/// The program's main function, under the name that the package manager links as `main`. It is no main.swift, since
/// that would have the arguments from `CommandLine`, which searches the process's memory for them and reads
/// /proc/self/maps to know where to stop: 0.1 ms of a launch.
@_cdecl("perigee_main")
func enter(_ count: Int32, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    // What the C library does at an exit (streams, the cryptography library's tables) has nothing to do here.
    _exit(CommandLineTool.run((1..<max(1, Int(count))).compactMap { words[$0].map { String(cString: $0) } }))
}
