internal import Glibc
internal import Linux

/// How a supervisor hears that there is something new in its pod's directory: a byte in a FIFO. inotify(7) would tell too, and
/// a user may have 128 of those by default, which are fewer than pods.
struct PodWake: ~Copyable {
    static let name = "wake"
    private let fifo: OwnedDescriptor

    static func open(in directory: Descriptor) throws(SystemError) -> PodWake {
        PodWake(try directory.open(name, O_RDWR | O_NONBLOCK))
    }

    private init(_ fifo: consuming OwnedDescriptor) { self.fifo = fifo }

    /// For poll(2).
    var view: Descriptor { fifo.view }

    /// Forgets who has called so far.
    func clear() throws(SystemError) {
        let room = 64
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 1)
        defer { buffer.deallocate() }
        do throws(SystemError) { while try view.read(into: buffer) > 0 {} } catch  where error.code == .EAGAIN {}
    }

    /// Calls the supervisor of the pod in `directory`; where there is none, the next one looks by itself, and where it has
    /// not heard earlier calls yet, those do.
    static func call(in directory: Descriptor) throws(SystemError) {
        do throws(SystemError) {
            let fifo = try directory.open(name, O_WRONLY | O_NONBLOCK)
            try fifo.view.write([1])
        } catch {
            guard [.ENXIO, .EPIPE, .EAGAIN, .ENOENT].contains(error.code) else { throw error }
        }
    }
}
