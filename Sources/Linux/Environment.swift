internal import Glibc

/// The variables of this process.
package enum Environment {
    /// nil: it is not set. Wraps getenv(3).
    package static func value(of name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
