/// What a plan needs to know of the image's root file system, read inside it by the caller.
package struct RootfsFacts: Hashable, Sendable {
    package var users: UserDatabase

    package init(users: UserDatabase) {
        self.users = users
    }

    /// Who a command runs as.
    package struct Identity: Hashable, Sendable {
        package var uid: UInt32
        package var gid: UInt32
        package var additionalGids: [UInt32]
        package var home: String

        package init(uid: UInt32, gid: UInt32, additionalGids: [UInt32] = [], home: String = "/") {
            self.uid = uid
            self.gid = gid
            self.additionalGids = additionalGids
            self.home = home
        }
    }

    /// The home directory of the first user who has this number; nil where the image knows none.
    package func home(of uid: UInt32) -> String? {
        users.users.first { $0.uid == uid && !$0.home.isEmpty }?.home
    }

    /// Who the `User` of an image configuration is: empty, `name`, `uid`, `name:group` or `uid:gid` in any mixture, as
    /// the image specification and Docker read it: a name is looked up first, a number need not be listed, and the
    /// groups of which a listed user is a member are added where no group is given.
    package func resolve(user text: String) throws(PlanningError) -> Identity {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let userPart = parts.first ?? ""
        let groupPart = parts.count > 1 ? parts[1] : ""

        let entry = users.users.first { entry in
            userPart.isEmpty
                ? entry.uid == 0 : entry.name == userPart || entry.uid == UserDatabase.identity(userPart)
        }
        var identity = Identity(uid: 0, gid: 0)
        if let entry {
            identity.uid = entry.uid
            identity.gid = entry.gid
            if !entry.home.isEmpty { identity.home = entry.home }
        } else if !userPart.isEmpty {
            identity.uid = try RootfsFacts.number(userPart, orElse: .unknownUser(name: userPart))
        }

        if groupPart.isEmpty {
            if let entry {
                identity.additionalGids = users.groups.filter { $0.members.contains(entry.name) }.map(\.gid)
            }
        } else if let group = users.groups.first(where: {
            $0.name == groupPart || $0.gid == UserDatabase.identity(groupPart)
        }) {
            identity.gid = group.gid
        } else {
            identity.gid = try RootfsFacts.number(groupPart, orElse: .unknownGroup(name: groupPart))
        }
        return identity
    }

    private static func number(_ text: String, orElse unknown: PlanningError) throws(PlanningError) -> UInt32 {
        if let number = UserDatabase.identity(text) { return number }
        throw UserDatabase.isNumber(text) ? .identityOutOfRange(text: text) : unknown
    }
}
