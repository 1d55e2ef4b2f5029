internal import Linux
package import OCI

/// Who decides on the calls that a filter notifies of, and what it is told: config-linux.md, "Seccomp" and "The Container
/// Process State".
package struct FilterListener: Hashable, Sendable {
    /// Of a stream socket, absolute.
    package var path: String
    package var metadata: String?
    package var state: ContainerState
    /// Of the container, when the listener is sent.
    package var status: String

    package init(path: String, metadata: String?, state: ContainerState, status: String) {
        self.path = path
        self.metadata = metadata
        self.state = state
        self.status = status
    }

    /// Sends the listener that `process` has as descriptor `number`.
    func send(_ number: Int32, of process: borrowing ProcessHandle) throws(SystemError) {
        let listener = try process.descriptor(number)
        let socket = try LocalSocket.connect(path)
        let text = JSON.Value.members([
            ("ociVersion", .string(state.ociVersion)), ("fds", .strings(["seccompFd"])),
            ("pid", .integer(Int64(process.identifier))), ("metadata", metadata.map { .string($0) }),
            ("state", state.json(status: status, process: process.identifier)),
        ])
        try socket.view.send(listener.view, text.bytes(), within: FilterListener.patience)
    }

    /// In seconds: who listens there may be anybody.
    private static let patience = 10
}

// MARK: - As JSON, for who starts the container

extension FilterListener {
    init(_ json: JSON) throws(JSONError) {
        path = try json.required("path").string()
        metadata = try json["metadata"]?.string()
        state = try ContainerState(try json.required("state"))
        status = try json.required("status").string()
    }

    var json: JSON.Value {
        .members([
            ("path", .string(path)), ("metadata", metadata.map { .string($0) }),
            ("state", state.json(status: status, process: nil)), ("status", .string(status)),
        ])
    }
}
