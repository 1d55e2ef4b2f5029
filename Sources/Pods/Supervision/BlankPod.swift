internal import Glibc
internal import Linux

/// A pod's directory without anything that is one pod's own: FIFOs, lock, and the room that is kept on the disk. A dozen files
/// take a disk's file system as long as an eighth of a pod's whole start, so that one such directory lies ready for the next
/// pod of one container:
///
///     pods/ROOT/.blank       complete, for whoever renames it first
///     pods/ROOT/.blank.PID   one that process PID makes
struct BlankPod: ~Copyable {
    let directory: OwnedDescriptor
    /// Ours, exclusive: of a pod's supervisor.
    let lock: OwnedDescriptor

    private static let name = ".blank"
    /// Room on the disk for a status and a request, since both must be written where there is no other.
    private static let reserves = [PodDirectory.statusName, PodDirectory.stopName].map { $0 + PodDirectory.reserve }
    /// More for each container of a manifest.
    private static let containerReserveSize = 2048

    /// Makes the directory `draft`, or gives its name to the one that lies ready.
    static func take(as draft: String, in all: Descriptor) throws(SystemError) -> BlankPod {
        do throws(SystemError) {
            // What is old is taken for a dead command's.
            try all.touch(name)
            try all.rename(name, to: draft, in: all)
        } catch {
            guard error.code == .ENOENT else { throw error }
            return try make(draft, in: all)
        }
        do throws(SystemError) {
            let directory = try all.open(draft, O_RDONLY | O_DIRECTORY)
            if try isWhole(directory.view) {
                let lock = try directory.view.open(PodDirectory.lockName, O_RDWR)
                return try BlankPod(directory, lock)
            }
        } catch  where error.code == .ENOENT {}
        try all.removeTree(draft)
        return try make(draft, in: all)
    }

    /// Makes the directory `draft`; `containers` are those of a manifest, and without any it is a pod's of one.
    static func make(
        _ draft: String, in all: Descriptor, containers: [String] = []
    ) throws(SystemError) -> BlankPod {
        try all.makeDirectory(draft, mode: 0o700)
        let directory = try all.open(draft, O_RDONLY | O_DIRECTORY)
        let view = directory.view
        try view.makeNode(PodWake.name, mode: S_IFIFO | 0o600, device: 0)
        let lock = try view.open(PodDirectory.lockName, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        if containers.isEmpty {
            try makeOutput(in: view)
        } else {
            try view.makeDirectory(PodDirectory.containersName, mode: 0o700)
            for name in containers {
                let path = "\(PodDirectory.containersName)/\(name)"
                try view.makeDirectory(path, mode: 0o700)
                let made = try view.open(path, O_RDONLY | O_DIRECTORY)
                try makeOutput(in: made.view)
            }
        }
        let size = PodDirectory.reserveSize + containerReserveSize * containers.count
        for name in reserves { try view.makeFile(name, with: [UInt8](repeating: 0, count: size)) }
        return try BlankPod(directory, lock)
    }

    /// Lays one ready where there is none. Where there is no room for it there is none.
    static func provide(among pods: String) {
        guard let all = try? Descriptor.workingDirectory.openFollowing(pods, O_RDONLY | O_DIRECTORY),
            (try? all.view.exists(name)) == false
        else { return }
        let draft = "\(name).\(Identity.process)"
        do throws(SystemError) {
            _ = try make(draft, in: all.view)
            try all.view.rename(draft, to: name, in: all.view, flags: Descriptor.noReplace)
        } catch { try? all.view.removeTree(draft) }
    }

    /// Whether `name` is to be left where it is; nil: it is none of ours.
    static func isKept(_ name: String) -> Bool? {
        if name == self.name { return true }
        let beginning = self.name + "."
        guard name.hasPrefix(beginning), let process = Int32(name.dropFirst(beginning.utf8.count)) else { return nil }
        return Identity.exists(process)
    }

    private init(_ directory: consuming OwnedDescriptor, _ lock: consuming OwnedDescriptor) throws(SystemError) {
        // Nobody else knows of it.
        _ = try lock.view.lock(exclusive: true, waiting: false)
        self.directory = directory
        self.lock = lock
    }

    /// What one command writes to.
    private static func makeOutput(in directory: Descriptor) throws(SystemError) {
        for name in [PodDirectory.outName, PodDirectory.errName] {
            try directory.makeNode(name, mode: S_IFIFO | 0o600, device: 0)
        }
        try directory.makeFile(PodDirectory.exitName, with: PodDirectory.noEnd)
        try directory.makeFile(PodLog.stateName, with: PodLog.noState)
    }

    /// A host that went down may have the names on its disk and not the contents, and a pod's files where its name is lost.
    private static func isWhole(_ directory: Descriptor) throws(SystemError) -> Bool {
        for name in [PodDirectory.recordName, PodDirectory.statusName] {
            if try directory.exists(name) { return false }
        }
        for name in [PodWake.name, PodDirectory.outName, PodDirectory.errName] {
            if try !directory.exists(name) { return false }
        }
        for name in reserves {
            if try directory.status(of: name).size != Int64(PodDirectory.reserveSize) { return false }
        }
        let (end, log) = (PodDirectory.noEnd.count, PodLog.noState.count)
        if try directory.status(of: PodDirectory.exitName).size != Int64(end) { return false }
        return try directory.status(of: PodLog.stateName).size == Int64(log)
    }
}
