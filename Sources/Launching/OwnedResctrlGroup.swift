internal import Cgroups
internal import Linux
internal import Planning

/// A resctrl group whose directories that were made for a container go when this value does.
struct OwnedResctrlGroup: ~Copyable {
    private let tree: ResctrlTree
    private let group: ResctrlTree.Group
    private var isKept = false

    static func make(_ group: ResctrlTree.Group) throws(SystemError) -> OwnedResctrlGroup {
        let tree = try ResctrlTree.detect()
        try tree.make(group)
        return OwnedResctrlGroup(tree, group)
    }

    private init(_ tree: ResctrlTree, _ group: ResctrlTree.Group) {
        self.tree = tree
        self.group = group
    }

    deinit {
        if !isKept { try? tree.remove(group.ownDirectories) }
    }

    func join(_ process: Int32) throws(SystemError) { try tree.join(group, process) }

    /// Lets it live on: whoever deletes the container removes it.
    consuming func keep() {
        isKept = true
    }
}

extension ResctrlGroup {
    /// As the Cgroups room has it.
    var group: ResctrlTree.Group {
        ResctrlTree.Group(name: name, isOwn: isOwn, schemata: schemata, monitor: monitor)
    }
}
