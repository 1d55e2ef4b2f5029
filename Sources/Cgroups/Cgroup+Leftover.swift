package import Linux

/// Who made a group, said by the group itself: `trusted.perigee`, an extended attribute that only the host's root sets.
/// A group whose name is its owner's needs none; one at a path that a configuration gives does, since a launch may die
/// before it learns that somebody else's processes live there.
enum CgroupMark {
    private static let name = "trusted.perigee"

    /// Marks the group that was just made. A kernel or user namespace that refuses such attributes leaves it unmarked:
    /// then a repair takes it away when it is empty, and not before.
    static func set(_ owner: String, on directory: Descriptor) throws(SystemError) {
        let bytes = Array(owner.utf8)
        let result: Result<Void, SystemError> = bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { return .success(try directory.setAttribute(name, to: buffer)) } catch {
                return .failure(error)
            }
        }
        do throws(SystemError) { try result.get() } catch  where error.code == .EPERM || error.code == .EOPNOTSUPP {}
    }

    static func isSet(_ owner: String, on directory: Descriptor) throws(SystemError) -> Bool {
        try directory.attribute(name) == Array(owner.utf8)
    }

    /// Whether the group says that it is somebody else's than `owner`'s.
    static func isForeign(to owner: String, on directory: Descriptor) throws(SystemError) -> Bool {
        guard let mark = try directory.attribute(name) else { return false }
        return mark != Array(owner.utf8)
    }
}

extension Cgroup {
    /// Whether the group is still in the tree that decides whose it is, from which it is removed last: one fstatat(2).
    package func isPresent() throws(SystemError) -> Bool {
        guard let directory = claimDirectory else { return false }
        return try Descriptor.workingDirectory.exists(directory)
    }

    /// Kills and removes what a launch left of the group that died, or could not remove it. There need be nothing, and
    /// what another launch has claimed meanwhile is left to it. With `owner` only a group with that mark is killed;
    /// an empty one without a mark is removed alone: the launch died between making and marking it. False: it stays, has no
    /// mark, and processes or groups in it that may be `owner`'s.
    package func removeLeftover(of owner: String?) throws(CgroupError) -> Bool {
        guard let directory = claimDirectory else { return true }
        let isOurs: Bool
        let claim: OwnedDescriptor
        do throws(SystemError) {
            guard let claimed = try claimed(directory, of: owner) else { return true }
            if let owner {
                if try CgroupMark.isForeign(to: owner, on: claimed.view) { return true }
                isOurs = try CgroupMark.isSet(owner, on: claimed.view)
            } else {
                isOurs = true
            }
            claim = claimed
        } catch {
            if error.code == .ENOENT {
                tidy()
                return true
            }
            throw CgroupError(error)
        }
        var isGone = true
        if isOurs {
            try kill()
            try remove()
        } else {
            do throws(SystemError) {
                try Descriptor.workingDirectory.unlink(directory, flags: Flags.removeDirectory)
            } catch {
                guard error.code == .EBUSY || error.code == .ENOTEMPTY || error.code == .ENOENT else {
                    throw CgroupError(error)
                }
                isGone = error.code == .ENOENT
            }
        }
        _ = consume claim
        tidy()
        return isGone
    }

    /// The group's lock; nil: it is another launch's. One that would have it may try it at any moment, and finds that it
    /// is occupied: while the mark says that the group is of `owner`, the lock comes free again.
    private func claimed(_ directory: String, of owner: String?) throws(SystemError) -> OwnedDescriptor? {
        for _ in 0..<100 {
            if let claimed = try Births.claimed(directory) { return claimed }
            guard let owner else { return nil }
            let group = try Descriptor.workingDirectory.open(directory, Flags.listing)
            guard try CgroupMark.isSet(owner, on: group.view) else { return nil }
            Clock.pause(1_000_000)
        }
        throw SystemError("flock", directory, .EBUSY)
    }

    private func tidy() { if path.isOurs { removeEmptyParents() } }
}
