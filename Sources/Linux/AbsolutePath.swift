internal import CLinux

/// Paths that mean the same wherever they are read: for what is written down.
package enum AbsolutePath {
    /// `path` from `/` on, without empty parts and `.`. Links and `..` stay as they are.
    package static func of(_ path: String) throws(SystemError) -> String {
        if isPlain(path) { return path }
        let whole = path.hasPrefix("/") ? path : try workingDirectory() + "/" + path
        return "/" + whole.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// The working directory, which may have been removed. Wraps `getcwd(2)`.
    package static func workingDirectory() throws(SystemError) -> String {
        var buffer = [CChar](repeating: 0, count: 4097)
        let subject = "the working directory"
        _ = try check(buffer.withUnsafeMutableBufferPointer { clinux_getcwd($0.baseAddress, 4096) }, "getcwd", subject)
        // Outside our root there is no path to it.
        guard buffer[0] == CChar(bitPattern: UInt8(ascii: "/")) else { throw SystemError("getcwd", subject, .ENOENT) }
        return buffer.withUnsafeBufferPointer { bytes in
            String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Whether `path` begins at `/`, and has neither `.` nor `..` nor an empty part: then it is the only one of its kind, if
    /// none of its parts is a link.
    package static func isPlain(_ path: String) -> Bool {
        var last: (UInt8, UInt8) = (0, 0)
        var length = 0
        let slash = UInt8(ascii: "/"), dot = UInt8(ascii: ".")
        for byte in path.utf8 {
            if byte == slash {
                if length == 0, last.1 == slash { return false }
                if isDots(last, length) { return false }
                length = 0
            } else {
                length += 1
            }
            last = (last.1, byte)
        }
        return path.utf8.first == slash && length > 0 && !isDots(last, length)

        func isDots(_ last: (UInt8, UInt8), _ length: Int) -> Bool {
            last.1 == dot && (length == 1 || length == 2 && last.0 == dot)
        }
    }
}
