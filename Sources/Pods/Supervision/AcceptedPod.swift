internal import Linux

/// A pod that was just accepted. Its maker holds its lock, so that nobody takes it for one whose supervisor was killed; a copy
/// of this process holds the same lock, and supervises it without reading what this process has written.
final class AcceptedPod {
    let record: PodRecord
    /// What is written of it.
    let status: PodStatus
    /// As it was read for the acceptance.
    let configuration: Configuration
    /// What such a copy needs of what is open here; empty: it has to look for the pod as any supervisor.
    private(set) var descriptors: [Descriptor]
    private var directory: PodDirectory?
    private var lock: OwnedDescriptor?

    /// The pod among `pods` that `made` has become.
    init(
        _ record: PodRecord, in pods: String, _ made: consuming BlankPod, _ status: PodStatus,
        _ configuration: Configuration
    ) {
        self.record = record
        self.status = status
        self.configuration = configuration
        descriptors = [made.directory.view, made.lock.view]
        directory = PodDirectory(record, as: record.id, in: pods, made.directory)
        lock = .some(made.lock)
    }

    /// Closes both: they are too many.
    func letGo() {
        descriptors = []
        directory = nil
        lock = nil
    }

    /// Its directory, for its supervisor; nil: somebody has taken it.
    func takeDirectory() -> PodDirectory? { directory.take() }

    /// The lock of its supervisor; nil: somebody has taken it.
    func takeLock() -> OwnedDescriptor? { lock.take() }
}
