/// What a task names as its node: a part of this machine.
package enum NodeName: String, CaseIterable, Sendable, CustomStringConvertible {
    case fpga, mpu, gpu

    package var description: String { rawValue }

    /// The node that `text` names in any case; `default`, or none at all, is `standard`. nil: there is no such node.
    package init?(_ text: String?, standard: NodeName) {
        guard let text else {
            self = standard
            return
        }
        let name = text.lowercased()
        if name == "default" {
            self = standard
        } else if let node = NodeName(rawValue: name) {
            self = node
        } else {
            return nil
        }
    }
}

extension Configuration {
    /// The profile of the node that `text` names; ``PodsError/unknownNode(_:task:)`` where there is none. One that is not
    /// enabled is no error here: such a pod is accepted, and waits.
    package func node(_ text: String?, task: String? = nil) throws(PodsError) -> NodeProfile {
        guard let name = NodeName(text, standard: defaultNode) else { throw .unknownNode(text ?? "", task: task) }
        return NodeProfile(name: name, settings: nodes[name] ?? .builtIn(name))
    }
}
