/// What a caller asks of `pod run`: options as they were typed, checked.
package struct PodRequest: Hashable, Sendable {
    package var image: String
    package var command = TaskCommand.imageDefault
    package var tenant = "default"
    package var volume = "default"
    /// `NAME=VALUE`; one of the image's of the same name is replaced.
    package var environment: [String] = []
    /// Bytes; swap is not given on top.
    package var memory: Int64?
    /// Thousandths of a processor.
    package var cpus: Int64?
    /// The most processes and threads.
    package var pids: Int64?
    /// What it may write outside its volume, in bytes.
    package var writableLayer: Int64?
    /// Nanoseconds.
    package var timeout: UInt64?
    package var timeline = false
    /// A container with a workspace (see ``PodList/deploy(_:_:of:)``); nil: a pod as any other.
    package var workspace: Workspace?
    /// nil: it has its own alone.
    package var network: PodNetwork?
    /// `HOST:CONTAINER/tcp`, see ``PublishedPort``.
    package var ports: [String] = []

    package init(image: String) { self.image = image }
}
