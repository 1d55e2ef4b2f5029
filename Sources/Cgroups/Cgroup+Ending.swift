internal import Linux

extension Cgroup {
    /// How long freezing, and removing after a kill, may take.
    private static let patience: UInt64 = 3_000_000_000

    /// Kills every process in the group and below, also those that fork meanwhile. After `cgroup.kill` they are dying,
    /// and ``remove()`` waits for that; without it (v1 alone, or Linux before 5.14) this returns when none is left.
    package func kill() throws(CgroupError) {
        if let directory = unifiedDirectory {
            do throws(SystemError) { return try CgroupFile.write("\(directory)/cgroup.kill", "1") } catch {
                guard error.code == .ENOENT else { throw CgroupError(error) }
            }
        }
        try killOneByOne()
    }

    private func killOneByOne() throws(CgroupError) {
        let end = Clock.monotonic() + Self.patience
        var pause: Int64 = 100_000
        while true {
            let all = try processes()
            if all.isEmpty { return }
            if Clock.monotonic() > end { throw .timedOut("killing", path: path.text) }
            // Frozen, none can fork between the reading of the list and the signal; on v1 a frozen one dies only when
            // it thaws. Where it can't be frozen the loop catches up.
            do throws(CgroupError) { try setFrozen(true) } catch {}
            for pid in all {
                // One that has just ended by itself is as good as killed.
                do throws(SystemError) { try ProcessHandle(opening: pid).send(Flags.killSignal) } catch {}
            }
            do throws(CgroupError) { try setFrozen(false) } catch {}
            Clock.pause(pause)
            pause = min(pause * 2, 10_000_000)
        }
    }

    /// Stops all processes of the group and returns when they stand.
    package func freeze() throws(CgroupError) {
        try setFrozen(true)
        let end = Clock.monotonic() + Self.patience
        while try !isFrozen() {
            if Clock.monotonic() > end {
                try setFrozen(false)
                throw .timedOut("freezing", path: path.text)
            }
            Clock.pause(200_000)
            // v1 leaves processes out that were forked meanwhile, until it is asked again.
            if place(of: .freezer)?.version == .v1, unifiedDirectory == nil { try setFrozen(true) }
        }
    }

    /// Lets them run again.
    package func thaw() throws(CgroupError) { try setFrozen(false) }

    /// Whether all stand.
    package func isFrozen() throws(CgroupError) -> Bool {
        if let directory = unifiedDirectory {
            return CgroupFile.number("frozen", in: try CgroupFile.read("\(directory)/cgroup.events")) == 1
        }
        guard let place = place(of: .freezer) else { return false }
        return try CgroupFile.read("\(place.directory)/freezer.state").hasPrefix("FROZEN")
    }

    private func setFrozen(_ frozen: Bool) throws(CgroupError) {
        do throws(SystemError) {
            if let directory = unifiedDirectory {
                try CgroupFile.write("\(directory)/cgroup.freeze", frozen ? "1" : "0")
            } else if let place = place(of: .freezer) {
                try CgroupFile.write("\(place.directory)/freezer.state", frozen ? "FROZEN" : "THAWED")
            } else {
                throw SystemError("openat", "freezer.state", detail: "no freezer is mounted,", .ENOENT)
            }
        } catch { throw CgroupError(error) }
    }

    /// Removes the group from all trees, with the groups that were made below it, and waits a while for processes that
    /// are dying. It kills none: where one lives this throws ``CgroupError/timedOut(_:path:)``. The groups above stay;
    /// see ``removeEmptyParents(upTo:)``.
    package func remove() throws(CgroupError) {
        if try !isRemoved(until: Clock.monotonic() + Self.patience) { throw .timedOut("removing", path: path.text) }
    }

    /// Removes it as ``remove()`` does, and tells whether that was done when `end` came on the monotonic clock; with 0
    /// it does not wait.
    func isRemoved(until end: UInt64) throws(CgroupError) -> Bool {
        // Once the tree that decides whose the group is has it no more, the others' are a new launch's.
        let claim = layout.claimRoot.map { "\($0)/\(path.text)" }
        for directory in directories.filter({ $0 != claim }) + directories.filter({ $0 == claim }) {
            do throws(SystemError) { if try !CgroupTree.remove(directory, until: end) { return false } } catch {
                throw CgroupError(error)
            }
        }
        return true
    }

    /// Removes the groups above from the innermost on, as far as they are empty, and stops below `kept`. Another launch
    /// that is just making a group there makes them again. They may stay as well: the next launch is cheaper then.
    package func removeEmptyParents(upTo kept: CgroupPath? = nil) {
        let roots = (layout.unifiedMountPoint.map { [$0] } ?? []) + hierarchies.map(\.mountPoint)
        for root in roots {
            for parent in path.ancestors.reversed() {
                if parent == kept { break }
                do throws(SystemError) {
                    try Descriptor.workingDirectory.unlink("\(root)/\(parent.text)", flags: Flags.removeDirectory)
                } catch {
                    if error.code != .ENOENT { break }
                }
            }
        }
    }
}
