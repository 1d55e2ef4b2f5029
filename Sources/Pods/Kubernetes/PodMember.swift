internal import Containers
internal import Glibc
internal import Images
internal import Launching
internal import Linux

/// A container of a pod, as its supervisor has it: its output and its log from the beginning to the end of the pod, and its
/// process while it runs.
final class PodMember {
    /// What can't be copied can't be looked at where it is optional.
    final class Running {
        let container: SupervisedContainer
        init(_ container: consuming SupervisedContainer) { self.container = container }
    }

    private final class Image {
        let hold: ImageHold
        init(_ hold: consuming ImageHold) { self.hold = hold }
    }

    let plan: ManifestContainer
    let identifier: ContainerIdentifier
    let streams: PodStreams
    private let directory: OwnedDescriptor
    private var log: PodLog
    var running: Running?
    /// Probes and hooks that are under way.
    var handlers: [HandlerRun] = []
    /// We have killed it, and need nobody who tells how it ended.
    private var isKilled = false
    /// Its processes are in a pid namespace with others', and do not all end with its first.
    private let isBesideOthers: Bool
    /// What ends its command.
    private(set) var stopSignal: Int32 = SIGTERM
    /// As long as the pod lives nobody may remove what its root is made of.
    private var image: Image?

    /// A container of `manifest`, which shares the room of the pod's logs with the others.
    init(
        _ plan: ManifestContainer, of record: PodRecord, _ manifest: Manifest, in pod: Descriptor
    ) throws(PodsError) {
        self.plan = plan
        isBesideOthers = manifest.sharesProcesses
        let parts = manifest.allContainers.count
        do throws(ContainersError) { identifier = try ContainerIdentifier(record.identifier(of: plan.name)) } catch {
            throw .containers(error)
        }
        do throws(SystemError) {
            let path = "\(PodDirectory.containersName)/\(plan.name)"
            directory = try pod.open(path, O_RDONLY | O_DIRECTORY)
            streams = try PodStreams.openToRead(in: directory.view)
            log = try PodLog.open(in: directory.view, limit: record.logSize.map { $0 / Int64(parts) })
        } catch { throw .pods(error) }
    }

    /// Keeps the image, and learns what ends its command.
    func hold(in store: ImageStore) {
        if image == nil {
            do throws(ImagesError) { image = Image(try store.hold(plan.image)) } catch {
                // The next launch says what is wrong.
            }
        }
        guard let record = try? store.find(plan.image), let config = try? store.config(of: record).config,
            let signal = SignalNumber.stop(config.stopSignal)
        else { return }
        stopSignal = signal
    }

    // MARK: its output

    func take(_ stream: PodLog.Stream) throws(SystemError) {
        _ = try log.take(stream, from: stream == .out ? streams.out.view : streams.err.view)
    }

    /// All that is there, once its writers are gone.
    func drain() throws(SystemError) {
        while try log.take(.out, from: streams.out.view) {}
        while try log.take(.err, from: streams.err.view) {}
        log.tellLoss()
    }

    /// For what is about to begin: what it writes to.
    func openOutput() throws(PodsError) -> PodStreams {
        do throws(SystemError) { return try PodStreams.open(in: directory.view) } catch { throw .pods(error) }
    }

    /// Where its init is to write down its end.
    func openExitRecord() throws(PodsError) -> OwnedDescriptor {
        do throws(SystemError) { return try PodDirectory.exitRecord(in: directory.view) } catch { throw .pods(error) }
    }

    // MARK: its process

    /// Looks for its process; false: there is no such container.
    func find(in root: borrowing RuntimeRoot) throws(SystemError) -> Bool {
        do throws(ContainersError) {
            guard let found = try SupervisedContainer.find(identifier, in: root) else { return false }
            running = Running(found)
            return true
        } catch { throw SystemError("open", identifier.text, detail: "\(error),", .EIO) }
    }

    /// What its init has written of its command's end; nil: nothing.
    var written: CommandEnd? {
        (try? directory.view.readFile(PodDirectory.exitName, limit: 4096)).flatMap { CommandEnd($0) }
    }

    /// Kills all of it.
    func kill() {
        isKilled = true
        running?.container.kill()
    }

    /// It has ended: how. Nothing runs in it any more after this, and all that it has printed is in the log.
    func collect(startedAt: UInt64?) throws(SystemError) -> ContainerLife.Termination {
        handlers = []
        let kills = running?.container.oomKills ?? 0
        running?.container.kill()
        if isBesideOthers { running?.container.awaitEmpty() }
        let end = running?.container.wait()
        running = nil
        try drain()
        let written = written
        var result = ContainerLife.Termination(
            exitCode: 137, reason: "ContainerStatusUnknown", finishedAt: written?.wall ?? Clock.wall())
        // A command may have ended before its launch has returned, and the clock may be set back.
        result.startedAt = startedAt.map { min($0, result.finishedAt) }
        defer { isKilled = false }
        guard let cause = written?.cause ?? end?.cause ?? (isKilled ? .signalled(SIGKILL, dumped: false) : nil) else {
            result.message = "the container is gone, and nobody has seen its end"
            return result
        }
        switch cause {
        case .exited(let code): result.exitCode = code
        case .signalled(let signal, _):
            result.signal = signal
            result.exitCode = 128 + signal
        }
        let isKilled = result.signal == SIGKILL || result.exitCode == 137
        result.reason = kills > 0 && isKilled ? "OOMKilled" : result.exitCode == 0 ? "Completed" : "Error"
        return result
    }

    /// Removes what is left of the container, if there is anything.
    func remove(in root: borrowing RuntimeRoot) throws(SystemError) {
        do throws(ContainersError) { _ = try Container.find(identifier, in: root, for: .end).delete(force: true) } catch
        {
            if case .noContainer = error { return }
            throw SystemError("unlinkat", identifier.text, detail: "\(error),", .EIO)
        }
    }
}
