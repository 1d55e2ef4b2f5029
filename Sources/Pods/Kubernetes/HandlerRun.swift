internal import Containers
internal import Linux
internal import OCI

/// A probe or a hook that is being carried out. Dropped, it is broken off.
final class HandlerRun {
    enum Purpose: Hashable {
        case probe(ProbeLife.Kind)
        case hook(PodLife.Hook)
    }

    private final class Command {
        var process: ContainerProcess
        init(_ process: consuming ContainerProcess) { self.process = process }
    }

    private final class Peer {
        let connection: Connection
        /// nil: that it can be made is enough.
        let request: HTTPGet?
        init(_ connection: consuming Connection, _ request: HTTPGet?) {
            self.connection = connection
            self.request = request
        }
    }

    private enum Work {
        case command(Command)
        case peer(Peer)
        case sleep
    }

    let purpose: Purpose
    private let work: Work
    /// When it is over by itself, of `CLOCK_BOOTTIME`; nil: something tells.
    let wakeAt: UInt64?
    private var isConnected = false
    private var unsent: ArraySlice<UInt8> = []
    private var received: [UInt8] = []

    /// Of an answer no more is read.
    private static let mostReceived = 4096

    private init(_ purpose: Purpose, _ work: Work, wakeAt: UInt64? = nil) {
        self.purpose = purpose
        self.work = work
        self.wakeAt = wakeAt
    }

    /// Begins it for the container `identifier` of the pod `record`.
    static func begin(
        _ handler: Handler, for purpose: Purpose, of record: PodRecord, _ identifier: ContainerIdentifier,
        in root: borrowing RuntimeRoot, network: String?
    ) throws(PodsError) -> HandlerRun {
        switch handler {
        case .sleep(let seconds):
            return HandlerRun(purpose, .sleep, wakeAt: Clock.boot() &+ seconds &* PodLife.second)
        case .connect(let host, let port):
            return HandlerRun(purpose, .peer(Peer(try connect(host, port, network), nil)))
        case .http(let request):
            let connection = try connect(request.host, request.port, network)
            let run = HandlerRun(purpose, .peer(Peer(connection, request)))
            run.unsent = request.bytes[...]
            return run
        case .exec(let words):
            return HandlerRun(purpose, .command(try execute(words, of: record, identifier, in: root)))
        }
    }

    private static func execute(
        _ words: [String], of record: PodRecord, _ identifier: ContainerIdentifier, in root: borrowing RuntimeRoot
    ) throws(PodsError) -> Command {
        let container: Container
        do throws(ContainersError) { container = try Container.find(identifier, in: root, for: .join) } catch {
            throw .containers(error)
        }
        let process = try PodExec(words).process(of: record, in: container)
        do throws(ContainersError) { return try execute(process, in: container, root) } catch {
            throw .containers(error)
        }
    }

    private static func execute(
        _ process: ProcessSpec, in container: borrowing Container, _ root: borrowing RuntimeRoot
    ) throws(ContainersError) -> Command {
        // An `exec` ends with its process; we go on, and have further children.
        let own: OwnNamespaces
        do throws(SystemError) { own = try OwnNamespaces.remember() } catch { throw .state(error) }
        let command = Command(try container.execute(ContainerExec.Request(process: process), in: root))
        _ = consume own
        return command
    }

    /// From within the pod's network, which is at `network`; nil: it has the host's.
    private static func connect(_ host: String, _ port: UInt16, _ network: String?) throws(PodsError) -> Connection {
        let bytes = NetworkAddress(host)?.bytes ?? []
        do throws(SystemError) {
            guard let network else { return try Connection.begin(bytes, port: port) }
            return try SharedNamespace.network.inside(network) { () throws(SystemError) in
                try Connection.begin(bytes, port: port)
            }
        } catch { throw .pods(error) }
    }

    /// What it waits for.
    var wait: Poll.Wait {
        switch work {
        case .command(let command): .init(command.process.view, reading: true)
        case .peer(let peer):
            isConnected && unsent.isEmpty
                ? .init(peer.connection.view, reading: true) : .init(peer.connection.view, writing: true)
        case .sleep: .never
        }
    }

    /// Goes on, now that what it waits for has come. nil: it is not over.
    func advance() -> (success: Bool, text: String)? {
        switch work {
        case .sleep: return wakeAt.map { $0 <= Clock.boot() } == true ? (true, "") : nil
        case .command(let command):
            do throws(ContainersError) {
                let code = try command.process.end()
                return (code == 0, "exit code \(code)")
            } catch { return (false, "\(error)") }
        case .peer(let peer):
            do throws(SystemError) { return try advance(peer) } catch {
                return error.code == .EAGAIN ? nil : (false, "\(error)")
            }
        }
    }

    private func advance(_ peer: Peer) throws(SystemError) -> (success: Bool, text: String)? {
        if !isConnected {
            try peer.connection.confirm()
            isConnected = true
            if peer.request == nil { return (true, "connected") }
        }
        if !unsent.isEmpty {
            unsent = unsent.dropFirst(try peer.connection.send(unsent))
            return nil
        }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: HandlerRun.mostReceived, alignment: 1)
        defer { room.deallocate() }
        let count = try peer.connection.view.read(into: room)
        received += room[..<count]
        let newline = UInt8(ascii: "\n")
        guard let end = received.firstIndex(of: newline) else {
            if count > 0, received.count < HandlerRun.mostReceived { return nil }
            return (false, "its answer is not HTTP")
        }
        guard let status = HTTPGet.status(of: received[..<end]) else { return (false, "its answer is not HTTP") }
        return ((200...399).contains(status), "HTTP status \(status)")
    }
}

extension HTTPGet {
    /// RFC 9112; the connection is for this one request.
    var bytes: [UInt8] {
        let isNamed = headers.contains { $0.name.lowercased() == "host" }
        let literal = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        var text = "GET \(path) HTTP/1.1\r\n"
        if !isNamed { text += "Host: \(literal):\(port)\r\n" }
        if !headers.contains(where: { $0.name.lowercased() == "user-agent" }) {
            text += "User-Agent: perigee-probe\r\n"
        }
        text += "Accept: */*\r\nConnection: close\r\n"
        for header in headers { text += "\(header.name): \(header.value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// The number in `HTTP/1.1 200 OK`; nil: it is no such line.
    static func status(of line: ArraySlice<UInt8>) -> Int? {
        let words = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
        guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8) else { return nil }
        let digits = words[1].prefix { (48...57).contains($0) }
        return digits.count == 3 ? Int(String(decoding: digits, as: UTF8.self)) : nil
    }
}
