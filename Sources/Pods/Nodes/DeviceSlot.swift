package import Containers
internal import Glibc
internal import Linux

/// One of a node's exclusive devices, such as a GPU, as long as this lives: flock(2) on a file of the slot below the root,
/// which the kernel lets go when the last process that has it open is dead, however it died: the supervisor or the runtime
/// that took it, and the container's init where it has one.
package struct DeviceSlot: ~Copyable {
    package let slot: String
    private let file: OwnedDescriptor

    private init(slot: String, file: consuming OwnedDescriptor) {
        self.slot = slot
        self.file = file
    }

    /// Who has a slot.
    package struct Holder: Hashable, Sendable {
        package let slot: String
        package let tenant: String
        package let pod: String

        /// `pod client1-web`
        package var owner: String { tenant.isEmpty ? "another pod" : "pod \(tenant)-\(pod)" }
    }

    private static let directory = "slots"

    /// Takes a free slot of `node` for a pod, or the one that is named `only`; nil: the node has no slots, and nothing of it is
    /// exclusive. Where all are taken ``PodsError/slotsTaken(_:_:)`` says by whom.
    package static func take(
        _ node: NodeProfile, only: String? = nil, tenant: String, pod: String, in root: borrowing RuntimeRoot
    ) throws(PodsError) -> DeviceSlot? {
        let slots = only.map { [$0] } ?? node.slots
        if slots.isEmpty { return nil }
        // Who only looks whether a slot is taken has it for a moment, too.
        let tries = 10
        var holders: [Holder] = []
        for _ in 0..<tries {
            holders = []
            for slot in slots {
                do throws(SystemError) {
                    let directory = try root.directory(named: directory)
                    let file = try directory.view.open("\(node.name)-\(slot)", O_RDWR | O_CREAT, mode: 0o600)
                    if try file.view.lock(exclusive: true, waiting: false) {
                        try file.view.truncate(to: 0)
                        try file.view.write("\(tenant)\n\(pod)\n")
                        // Of a runtime that was killed the container may be there still.
                        _ = Repair.run(in: root)
                        return DeviceSlot(slot: slot, file: file)
                    }
                    holders.append(try holder(of: slot, file.view))
                } catch { throw .slot(node.name, slot, error) }
            }
            Clock.pause(1_000_000)
        }
        throw .slotsTaken(node.name, holders)
    }

    /// The open lock, for a process that is to hold it too.
    var lock: Descriptor { file.view }

    /// This process lets go of it: it is free, unless another one holds it too. Said, since the compiler may let go of a value
    /// earlier than the scope does.
    package consuming func end() { do throws(SystemError) { try file.close() } catch {} }

    private static func holder(of slot: String, _ file: Descriptor) throws(SystemError) -> Holder {
        let lines = String(decoding: try file.readAll(limit: 4096), as: UTF8.self).split(separator: "\n")
        // Empty for the moment between the lock and the name.
        return Holder(
            slot: slot, tenant: String(lines.first ?? ""), pod: String(lines.dropFirst().first ?? ""))
    }

    /// The slots of `node` that are taken. /proc/locks would not do: it leaves out a lock whose taker is dead, and whose
    /// container lives, for who looks from another pid namespace than the first.
    package static func taken(of node: NodeProfile, in root: borrowing RuntimeRoot) throws(PodsError) -> [Holder] {
        var holders: [Holder] = []
        if node.slots.isEmpty { return [] }
        for slot in node.slots {
            do throws(SystemError) {
                let directory = try root.directory(named: directory)
                let name = "\(node.name)-\(slot)"
                guard try directory.view.exists(name) else { continue }
                let file = try directory.view.open(name, O_RDONLY)
                if try file.view.lock(exclusive: false, waiting: false) { continue }
                holders.append(try holder(of: slot, file.view))
            } catch { throw .slot(node.name, slot, error) }
        }
        return holders
    }
}
