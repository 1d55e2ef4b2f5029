/// What is done to look at a container, or at its beginning and its end: core/v1 ProbeHandler and LifecycleHandler.
enum Handler: Hashable, Sendable {
    /// Executed in the container, without a shell; fine is exit code 0.
    case exec([String])
    /// A connection is to be had.
    case connect(host: String, port: UInt16)
    /// A status from 200 to 399.
    case http(HTTPGet)
    /// Seconds; of a hook alone.
    case sleep(UInt64)
}

/// A request for a page, HTTP/1.1 without TLS.
struct HTTPGet: Hashable, Sendable {
    /// An address; it is asked for from within the pod's network.
    var host: String
    var port: UInt16
    /// With a slash in front.
    var path: String
    var headers: [Header] = []

    struct Header: Hashable, Sendable {
        var name: String
        var value: String
    }
}

/// core/v1 Probe; times in seconds.
struct Probe: Hashable, Sendable {
    var handler: Handler
    var initialDelay: UInt64 = 0
    var period: UInt64 = 10
    var timeout: UInt64 = 1
    var successThreshold = 1
    var failureThreshold = 3
    /// From the signal to SIGKILL where this probe has failed; nil: the pod's.
    var terminationGrace: UInt64?
}
