internal import CLinux
internal import Glibc

/// The running kernel. Wraps uname(2).
package enum Kernel {
    /// Its release's first two numbers: (6, 12).
    package static var version: (major: Int, minor: Int) {
        var name = utsname()
        guard uname(&name) == 0 else { return (5, 10) }
        let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let numbers = release.split(whereSeparator: { $0 < "0" || $0 > "9" }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return (5, 10) }
        return (numbers[0], numbers[1])
    }
}
