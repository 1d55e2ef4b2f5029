internal import Containers
internal import Linux
internal import Network

// A pod's network: it has it before it has anything else, and keeps it until its end.
extension Supervisor {
    var needsNetwork: Bool { record.request.network == .pod }

    /// Whether others' plugins make its network.
    var attachesLast: Bool {
        guard needsNetwork, let configuration = try? configuration() else { return false }
        return (try? configuration.tenant(named: record.request.tenant).limits.cni) == true
    }

    /// Gives the pod its address and its name, and calls those that wait for it. False: it can't have them, and has ended.
    mutating func attach(in root: borrowing RuntimeRoot) throws(SystemError) -> Bool {
        do throws(PodsError) {
            do throws(PodsError) { network = try share() } catch {
                // What it lacks may be what a dead command has.
                guard repairOnce(root) else { throw error }
                network = try share()
            }
        } catch {
            try finish(.failed, error.podReason.0, "\(error)")
            return false
        }
        if needsNetwork { callGroup() }
        return true
    }

    private borrowing func share() throws(PodsError) -> NetworkShare? {
        let record = record
        guard let kind = record.request.network else { return nil }
        guard kind == .pod else {
            do throws(SystemError) { return NetworkShare(kind, hostname: try pod.hostnameFile()) } catch {
                throw .pods(error)
            }
        }
        let configuration = try configuration()
        let rules = try configuration.tenant(named: record.request.tenant).networkRules(configuration)
        let pod = PodNetworks.Pod(
            id: record.id, tenant: record.request.tenant, hostname: record.hostname, name: record.name)
        let ports = rules.cni == nil ? [] : record.request.publishedPorts
        do throws(NetworkError) {
            return NetworkShare(try networks.attach(pod, rules, ports: ports, holding: true))
        } catch { throw .network(error) }
    }

    /// The files of its /etc, and its address, wherever it was attached; nil: it is in no tenant's network.
    borrowing func networkView() throws(PodsError) -> (files: PodAttachment.Files, address: String)? {
        guard needsNetwork else { return nil }
        let configuration = try configuration()
        let (id, tenant) = (record.id, record.request.tenant)
        let rules = try configuration.tenant(named: tenant).networkRules(configuration)
        guard let address = networks.address(of: id, tenant) else { return nil }
        return (networks.files(of: id, tenant, rules), "\(address)")
    }

    /// An /etc/hosts of the pod's own, with these lines beside its tenant's.
    borrowing func makeHosts(_ lines: String) throws(PodsError) {
        let (id, tenant) = (record.id, record.request.tenant)
        do throws(NetworkError) { try networks.makeHosts(of: id, tenant, with: lines) } catch { throw .network(error) }
    }

    /// Takes the host's ports that it publishes, as long as it runs.
    mutating func holdPorts() throws(PodsError) {
        let wanted = record.request.publishedPorts
        if wanted.isEmpty || !ports.isEmpty { return }
        do throws(NetworkError) { ports = try networks.hold(wanted, for: record.id) } catch { throw .network(error) }
    }

    /// Of a pod whose supervisor was killed: nobody else has had them, unless he was faster than us.
    mutating func holdPortsAgain() {
        do throws(PodsError) { try holdPorts() } catch {}
    }

    /// Leads them to the pod.
    borrowing func publish() throws(PodsError) {
        let wanted = record.request.publishedPorts
        if wanted.isEmpty { return }
        do throws(NetworkError) { try networks.publish(wanted, of: record.id, record.request.tenant) } catch {
            throw .network(error)
        }
    }

    /// It has come to its end: others may have what it had. What can't be removed now is removed by the next repair.
    mutating func detach() {
        guard needsNetwork else { return }
        network = nil
        do throws(NetworkError) { try networks.detach(record.id, of: record.request.tenant) } catch {
            tell(PodEvent(.waiting, of: record, reason: "NetworkNotRemoved", message: "\(error)"))
        }
        ports = []
    }

    // MARK: its group

    /// The others of its group.
    private borrowing func siblings() throws(PodsError) -> [PodRecord] {
        try entries(of: record.request.tenant).map(\.record).filter {
            $0.submission == record.submission && $0.step == record.step && $0.id != record.id
        }
    }

    private borrowing func callGroup() {
        do throws(PodsError) { for other in try siblings() { call(other.id) } } catch {}
    }

    /// Waits until all of its group have their address and their name, or have ended: none begins before. False: somebody has
    /// asked for its end, and it has ended.
    mutating func awaitGroup() throws(SystemError) -> Bool {
        if !needsNetwork { return true }
        let asked = try PodWake.open(in: directory)
        while true {
            if let stop = try stopRequest() {
                try finish(.failed, stop.reason, stop.message)
                return false
            }
            var isComplete = true
            do throws(PodsError) {
                for other in try siblings() where other.request.network == .pod {
                    if networks.isAttached(other.id, of: other.request.tenant) { continue }
                    if try status(of: other.id)?.isFinal == false { isComplete = false }
                }
            } catch { throw SystemError("openat", "a pod of the same group", detail: "\(error),", .EIO) }
            if isComplete { return true }
            settleIn()
            let milliseconds: Int32 = 1000
            _ = try Poll.readable([asked.view], timeout: milliseconds)
            try asked.clear()
        }
    }
}
