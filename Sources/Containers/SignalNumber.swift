internal import Glibc

/// Signals by name.
package enum SignalNumber {
    /// Of an image's `StopSignal`: TERM where it says nothing.
    package static func stop(_ text: String?) -> Int32? {
        guard let text, !text.isEmpty else { return SIGTERM }
        return named(text)
    }

    /// `SIGTERM`, `TERM`, `15`, `RTMIN+3`. nil: it is no signal.
    package static func named(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        let names = [
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS",
        ]
        let name = text.uppercased().hasPrefix("SIG") ? String(text.uppercased().dropFirst(3)) : text.uppercased()
        if let index = names.firstIndex(of: name) { return Int32(index + 1) }
        // As the C library numbers them: it keeps the first two for itself.
        let (first, last): (Int32, Int32) = (34, 64)
        if name == "RTMIN" { return first }
        if name == "RTMAX" { return last }
        let number: Int32? =
            name.hasPrefix("RTMIN+")
            ? Int32(name.dropFirst(6)).map { first &+ $0 }
            : name.hasPrefix("RTMAX-") ? Int32(name.dropFirst(6)).map { last &- $0 } : nil
        return number.flatMap { (first...last).contains($0) ? $0 : nil }
    }
}
