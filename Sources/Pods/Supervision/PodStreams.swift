internal import Glibc
internal import Linux

/// The FIFOs that a pod's command writes to. They are opened for both ways, by us and by the command: a writer that is a
/// reader too never finds nobody at the other end, and a reader that is a writer too finds no end.
struct PodStreams: ~Copyable {
    let out: OwnedDescriptor
    let err: OwnedDescriptor

    static func open(in directory: Descriptor) throws(SystemError) -> PodStreams {
        let out = try directory.open(PodDirectory.outName, O_RDWR)
        let err = try directory.open(PodDirectory.errName, O_RDWR)
        return PodStreams(out: out, err: err)
    }

    /// The same for who reads them, and waits for nothing.
    static func openToRead(in directory: Descriptor) throws(SystemError) -> PodStreams {
        let out = try directory.open(PodDirectory.outName, O_RDWR | O_NONBLOCK)
        let err = try directory.open(PodDirectory.errName, O_RDWR | O_NONBLOCK)
        return PodStreams(out: out, err: err)
    }

    private init(out: consuming OwnedDescriptor, err: consuming OwnedDescriptor) {
        self.out = out
        self.err = err
    }

    /// What is born from here on has them as its output; input is the null device, as ours is.
    borrowing func become() {
        Descriptor.standardOutput.become(out.view)
        Descriptor.standardError.become(err.view)
    }

    static func leave() {
        Descriptor.standardOutput.become(.standardInput)
        Descriptor.standardError.become(.standardInput)
    }
}
