internal import Linux

extension PodsError {
    /// What is said of containers with a workspace.
    var containerText: String {
        switch self {
        case .noContainer(let name): "no such container: \(name)\n  hint: see `perigee container list --all`"
        case .nameTaken(let name, isContainer: true):
            "container '\(name)' is there already\n  hint: `perigee container attach \(name)` opens a shell in it, "
                + "`perigee container retire \(name)` ends and removes it"
        case .nameTaken(let name, isContainer: false):
            "'\(name)' is the name of a pod that is there\n  hint: `perigee pod stop \(name)`, or another name"
        case .notStarted(let name, let reason, let message, _):
            "container '\(name)' did not start: \(reason)\(message.isEmpty ? "" : ": " + message)"
        case .notPaused(let name): "'\(name)' is not paused"
        case .workspace(let path, let error):
            "workspace \(path): \(error)"
                + (error.code == .ELOOP
                    ? "\n  hint: a part of its path is a symbolic link, and none is followed there; name the place that "
                        + "it leads to as \"workspace\" in the configuration" : "")
        case .workspaceOwner(let path, let owner, let user):
            "workspace \(path): it belongs to user \(owner), and must be user \(user)'s"
                + "\n  hint: chown \(user) \(path), or choose another name"
        case .noHome(let user):
            "user \(user) has no home in /etc/passwd to have workspaces in"
                + "\n  hint: a path from / on as \"workspace\" in the configuration says where they are"
        case .imageUsed(let image, let users):
            "Cannot delete image \(image) while containers exist: \(users.joined(separator: ", "))"
                + "\n  hint: `perigee image delete --force` ends and removes them first"
        case .noProjectImage(let project, let names):
            "project '\(project)' has no image: there is none of the name \(names.joined(separator: " or "))"
                + "\n  hint: `perigee image load --name \(project) PATH` loads one, or --image names another; perigee "
                + "builds none"
        default: ""
        }
    }
}
