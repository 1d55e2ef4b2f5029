/// A system call that failed, with the arguments that tell which one it was. It is made in the wrapper of the call and
/// nowhere else, so that the arguments are never lost and the error number is never another call's.
package struct SystemError: Error, Hashable, Sendable {
    /// The call, as its man page in section 2 is named: `openat2`.
    package let call: String
    /// What it was called on: a path as the caller wrote it, `descriptor 5`, `process 12`. Empty where there is none.
    package let subject: String
    /// What else tells two calls apart: a file system's type, a flag. Empty where there is none.
    package let detail: String
    /// Why it failed.
    package let code: Errno

    /// Makes the error of `call` on `subject`.
    package init(_ call: String, _ subject: String, detail: String = "", _ code: Errno) {
        self.call = call
        self.subject = subject
        self.detail = detail
        self.code = code
    }
}

extension SystemError: CustomStringConvertible {
    /// `mount(2) proc on /proc: EPERM (operation not permitted)`
    package var description: String {
        var text = "\(call)(2)"
        if !detail.isEmpty { text += " \(detail)" }
        if !subject.isEmpty { text += detail.isEmpty ? " \(subject)" : " on \(subject)" }
        return text + ": \(code.name) (\(code.words))"
    }
}

/// Checks what a shim returned: the value, or the error it stands for.
@inline(__always)
func check(
    _ result: Int, _ call: String, _ subject: @autoclosure () -> String, detail: @autoclosure () -> String = ""
) throws(SystemError) -> Int {
    guard result < 0 else { return result }
    throw SystemError(call, subject(), detail: detail(), Errno(rawValue: Int32(-result)))
}

/// Calls `body` again as long as it returns `-EINTR`.
@inline(__always)
func retrying(_ body: () -> Int) -> Int {
    while true {
        let result = body()
        if result != -Int(Errno.EINTR.rawValue) { return result }
    }
}
