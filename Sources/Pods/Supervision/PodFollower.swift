internal import Containers
internal import Glibc
internal import Linux

/// Stays with pods until all have ended, for a command in the foreground, and ends them where its caller asks for that.
struct PodFollower: ~Copyable {
    private let list: PodList
    private let signals: SignalSource
    private let watch: DirectoryWatch
    /// Tells what happens, a line each.
    private let tell: (String) -> Void
    /// The caller has asked for the end, by this signal.
    private(set) var interrupted: Int32?

    static func make(_ list: PodList, tell: @escaping (String) -> Void) throws(PodsError) -> PodFollower {
        do throws(SystemError) {
            let signals = try SignalSource(SignalSource.heeded([SIGINT, SIGTERM, SIGHUP]))
            return PodFollower(list, signals, try DirectoryWatch.make(), tell)
        } catch { throw .pods(error) }
    }

    private init(
        _ list: PodList, _ signals: consuming SignalSource, _ watch: consuming DirectoryWatch,
        _ tell: @escaping (String) -> Void
    ) {
        self.list = list
        self.signals = signals
        self.watch = watch
        self.tell = tell
    }

    /// Until all have ended; what changes is told, under the name that `name` gives a pod.
    mutating func follow(_ records: [PodRecord], _ name: (PodRecord) -> String) throws(PodsError) -> [PodStatus] {
        var seen: [PodStatus?] = records.map { _ in nil }
        for record in records {
            do throws(SystemError) { try watch.add(list.directory(of: record.id)) } catch {
                if error.code != .ENOENT { throw .pods(error) }
            }
        }
        while true {
            for (i, record) in records.enumerated() where seen[i]?.isFinal != true {
                let now = try status(of: record)
                // Why it has ended is told when it has.
                if now.ending == nil, now.phase != seen[i]?.phase || now.reason != seen[i]?.reason {
                    tell("\(name(record)) is \(now.words)")
                }
                seen[i] = now
            }
            let ended = seen.compactMap { $0 }.filter(\.isFinal)
            if ended.count == records.count { return ended }
            try wait(records)
        }
    }

    /// After making sure that it has a supervisor. One that somebody has removed has failed.
    private borrowing func status(of record: PodRecord) throws(PodsError) -> PodStatus {
        do throws(PodsError) {
            try list.supervise(record.id)
            return try list.status(of: record.id) ?? .removed
        } catch {
            if case .noPod = error { return .removed }
            throw error
        }
    }

    /// Readable once the caller has asked for the end.
    var askedToEnd: Descriptor { signals.view }

    /// Whether the caller has asked for the end meanwhile.
    mutating func isInterrupted() throws(PodsError) -> Bool {
        do throws(SystemError) {
            if try Poll.readable([signals.view], timeout: 0)[0] { interrupted = try signals.next() }
        } catch { throw .pods(error) }
        return interrupted != nil
    }

    /// For something to happen to the pods, or for the caller to ask for their end. Who was killed tells nobody: so it is
    /// looked after now and then.
    private mutating func wait(_ records: [PodRecord]) throws(PodsError) {
        do throws(SystemError) {
            let ready = try Poll.readable([watch.view, signals.view], timeout: 1000)
            if ready[0] { try watch.clear() }
            if ready[1] { interrupted = try signals.next() }
            guard ready[1] else { return }
        } catch { throw .pods(error) }
        for record in records {
            do throws(PodsError) {
                try list.stop(record.id, StopRequest(reason: "Stopped", message: "its caller was asked to end"))
            } catch {
                if case .noPod = error { continue }
                throw error
            }
        }
    }
}

extension PodStatus {
    /// `Running`, `Pending, ErrImageNeverPull: …`
    fileprivate var words: String {
        phase.rawValue + (reason.map { ", \($0)" } ?? "") + (message.map { ": \($0)" } ?? "")
    }
}
