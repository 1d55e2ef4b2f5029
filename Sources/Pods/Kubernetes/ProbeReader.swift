internal import OCI

extension ManifestReader {
    /// Probes and hooks.
    mutating func readLife(_ object: ManifestObject, _ container: inout ManifestContainer, isInit: Bool) {
        let keys = ["startupProbe", "readinessProbe", "livenessProbe", "lifecycle"]
        if isInit {
            for key in keys where object[key] != nil {
                problem(object, key, "an init container has none, unless it is a sidecar")
            }
            return
        }
        container.startupProbe = probe(object, "startupProbe", container)
        container.readinessProbe = probe(object, "readinessProbe", container)
        container.livenessProbe = probe(object, "livenessProbe", container)
        let foreign = ForeignFields(refused: ["stopSignal": "the image's is sent"])
        guard let lifecycle = self.object(object, "lifecycle", ["postStart", "preStop"], foreign) else { return }
        container.postStart = hook(lifecycle, "postStart", container)
        container.preStop = hook(lifecycle, "preStop", container)
    }

    private static let probeKeys = [
        "exec", "failureThreshold", "httpGet", "initialDelaySeconds", "periodSeconds", "successThreshold", "tcpSocket",
        "terminationGracePeriodSeconds", "timeoutSeconds",
    ]

    private mutating func probe(
        _ container: ManifestObject, _ key: String, _ manifest: ManifestContainer
    ) -> Probe? {
        let foreign = ForeignFields(refused: ["grpc": "exec, httpGet and tcpSocket are"])
        guard let object = object(container, key, Self.probeKeys, foreign) else { return nil }
        guard let handler = handler(object, ["exec", "httpGet", "tcpSocket"], manifest) else { return nil }
        var probe = Probe(handler: handler)
        func seconds(_ key: String, _ least: Int64, _ usual: UInt64) -> UInt64 {
            integer(object, key, least...Self.longest).map { UInt64($0) } ?? usual
        }
        probe.initialDelay = seconds("initialDelaySeconds", 0, 0)
        probe.period = seconds("periodSeconds", 1, 10)
        probe.timeout = seconds("timeoutSeconds", 1, 1)
        probe.successThreshold = Int(seconds("successThreshold", 1, 1))
        probe.failureThreshold = Int(seconds("failureThreshold", 1, 3))
        if key != "readinessProbe", probe.successThreshold != 1 {
            problem(object, "successThreshold", "it must be 1 but for readiness")
        }
        if object["terminationGracePeriodSeconds"] != nil {
            if key == "readinessProbe" {
                problem(object, "terminationGracePeriodSeconds", "a readiness probe ends nothing")
            }
            probe.terminationGrace = seconds("terminationGracePeriodSeconds", 1, 30)
        }
        return probe
    }

    private mutating func hook(
        _ lifecycle: ManifestObject, _ key: String, _ manifest: ManifestContainer
    ) -> Handler? {
        let foreign = ForeignFields(refused: ["tcpSocket": "Kubernetes does not carry it out either"])
        let known = ["exec", "httpGet", "sleep"]
        guard let object = object(lifecycle, key, known, foreign) else { return nil }
        return handler(object, known, manifest)
    }

    /// The one of `kinds` that `object` has.
    private mutating func handler(
        _ object: ManifestObject, _ kinds: [String], _ container: ManifestContainer
    ) -> Handler? {
        let present = kinds.filter { object[$0] != nil }
        guard present.count == 1 else {
            if present.isEmpty, object.keys.contains(where: { $0 == "grpc" || $0 == "tcpSocket" }) { return nil }
            problem(
                object.position, object.path,
                present.isEmpty
                    ? "it does nothing; there are " + kinds.joined(separator: ", ")
                    : "one of \(present.joined(separator: ", ")) is enough, and no more are carried out")
            return nil
        }
        switch present[0] {
        case "exec":
            guard let exec = self.object(object, "exec", ["command"]) else { return nil }
            let words = texts(exec, "command")
            guard words.first?.isEmpty == false else {
                problem(exec, "command", "it is missing")
                return nil
            }
            return .exec(words)
        case "sleep":
            guard let sleep = self.object(object, "sleep", ["seconds"]) else { return nil }
            if sleep["seconds"] == nil { problem(sleep, "seconds", "it is missing") }
            return integer(sleep, "seconds", 0...Self.longest).map { .sleep(UInt64($0)) }
        case "tcpSocket":
            guard let socket = self.object(object, "tcpSocket", ["host", "port"]) else { return nil }
            guard let host = host(socket), let port = port(socket, container) else { return nil }
            return .connect(host: host, port: port)
        default: return httpGet(object, container).map { .http($0) }
        }
    }

    private mutating func httpGet(_ object: ManifestObject, _ container: ManifestContainer) -> HTTPGet? {
        let known = ["host", "httpHeaders", "path", "port", "scheme"]
        guard let get = self.object(object, "httpGet", known) else { return nil }
        if let scheme = text(get, "scheme"), scheme != "HTTP" {
            problem(
                get, "scheme",
                "\(quotedAlways(scheme)) is not supported; there is HTTP\n  hint: an exec probe can ask with TLS")
        }
        guard let host = host(get), let port = port(get, container) else { return nil }
        let path = text(get, "path") ?? "/"
        var request = HTTPGet(host: host, port: port, path: path.hasPrefix("/") ? path : "/" + path)
        if !request.path.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) {
            problem(get, "path", "\(quotedAlways(path)) has characters that no request may have")
        }
        for item in objects(get, "httpHeaders", ["name", "value"]) {
            guard let name = requiredText(item, "name") else { continue }
            let value = text(item, "value") ?? ""
            let isToken = name.utf8.allSatisfy {
                (0x21...0x7e).contains($0) && !"()<>@,;:\\\"/[]?={}".utf8.contains($0)
            }
            guard isToken, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                problem(item, "name", "\(quotedAlways(name)): no header can be like this")
                continue
            }
            request.headers.append(.init(name: name, value: value))
        }
        return request
    }

    /// An address: nobody looks names up here. Without one it is the pod itself.
    private mutating func host(_ object: ManifestObject) -> String? {
        guard let host = text(object, "host"), !host.isEmpty, host != "localhost" else { return "127.0.0.1" }
        if NetworkAddress(host) == nil {
            problem(object, "host", "\(quotedAlways(host)) is no address; names are not looked up")
        }
        return host
    }

    /// A number, or the name of one of the container's ports.
    private mutating func port(_ object: ManifestObject, _ container: ManifestContainer) -> UInt16? {
        guard let value = object["port"] else {
            problem(object, "port", "it is missing")
            return nil
        }
        guard let name = CoreSchema.text(value) else {
            return integer(object, "port", 1...65_535).map { UInt16($0) }
        }
        if let port = container.ports.first(where: { $0.name == name }) { return port.container }
        problem(object, "port", "the container has no port that is named \(quotedAlways(name))")
        return nil
    }
}
