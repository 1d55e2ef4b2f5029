package import Containers
package import Images
package import Linux
package import Network
package import OCI
package import Planning

/// Why a pod could not be run.
package enum PodsError: Error {
    case images(ImagesError)
    /// The records of pods can't be read or written.
    case pods(SystemError)
    /// What is printed can't be written.
    case output(SystemError)
    case noPod(String)
    /// It has not ended.
    case podLives(String)
    /// The steps of an operation need somebody who stays with them.
    case notDetachable(String)
    case notRunning(String)
    /// Nothing can be executed in it.
    case podPaused(String)
    /// Whoever is named as the user of a command that is executed is nobody.
    case execUser(PlanningError)
    case step(String, String)
    /// What keeps a pod's supervisors from their work, in the words of the last.
    case supervisor(String, String)
    case containers(ContainersError)
    /// The image's `User` is nobody.
    case user(image: String, PlanningError)
    /// A tenant's or volume's name that is none.
    case invalidName(kind: String, String)
    case volume(String, SystemError)
    /// The image names no command, and none was given.
    case noCommand(image: String)
    /// The image is for another machine, and nothing here can run it.
    case wrongArchitecture(image: String, platform: String, host: String)
    /// A value of the image's configuration that can't be used.
    case imageConfig(image: String, field: String, why: String)
    case passwd(image: String, SystemError)
    /// A task file in which something is wrong, at least one problem.
    case invalidTaskFile(name: String, problems: [FileProblem], warnings: [FileProblem])
    case unreadableTaskFile(String, SystemError)
    /// The directory that a bundle was to become exists.
    case bundleExists(String)
    /// Another command is making the same bundle.
    case bundleBusy(String)
    case bundle(String, SystemError)
    /// A file of an uplink can't be read; the text says which and why.
    case uplinkSource(String, SystemError)
    /// The files of a bundle's uplinks are larger than this many bytes.
    case uplinkTooLarge(limit: Int64)
    /// A signal ended what was being done.
    case interrupted(signal: Int32)

    // MARK: the host's configuration
    /// Its file can't be read.
    case configurationFile(path: String, SystemError)
    /// Others than root may write a file that is trusted; the owner and the mode that it has.
    case untrustedFile(path: String, owner: UInt32, mode: UInt32)
    /// A value of it that is none.
    case configuration(path: String, JSONError)

    // MARK: tenants and their limits
    /// The caller has no tenant.
    case noTenant(user: UInt32, configuration: String)
    /// The caller is not that tenant.
    case notYourTenant(String, own: String)
    case belongsToOther(pod: String, tenant: String)
    /// A pod's host name that can't be one.
    case hostname(String, HostnameProblem)
    case podLimit(live: Int, most: Int)

    /// What is wrong with `TENANT-POD_NAME`.
    package enum HostnameProblem: Hashable, Sendable {
        case tooLong(Int)
        case malformed
        case usedBy(tenant: String)
    }

    // MARK: nodes and devices
    /// `task`: whose it is, where it is a task's.
    case unknownNode(String, task: String?)
    case nodeDisabled(NodeName)
    /// The image is for another machine than the node's images are.
    case nodeArchitecture(image: String, platform: String, node: NodeName, needed: String)
    /// All slots of a node are taken, and by whom.
    case slotsTaken(NodeName, [DeviceSlot.Holder])
    /// There is no such slot, or it can't be locked.
    case slot(NodeName, String, SystemError)
    /// A device of a node's profile; `file`: the CDI file that names it.
    case device(String, file: String?, SystemError)
    case notADevice(String, file: String?)
    case cdiFile(path: String, SystemError)
    /// A value of a CDI file, in the edits of `device` where they are one's.
    case cdi(path: String, device: String?, JSONError)
    case cdiName(String)
    /// No file has the device. `unread` are files in YAML.
    case noCDIDevice(String, directories: [String], unread: [String])
    /// Two files of one directory have it.
    case cdiConflict(String, paths: [String])

    // MARK: containers with a workspace
    /// No container of the tenant's has that name.
    case noContainer(String)
    /// A container or pod of that name is there, and goes on.
    case nameTaken(String, isContainer: Bool)
    /// It did not come to run: the reason's word and its text.
    case notStarted(String, reason: String, message: String, status: Int32)
    /// Only what runs can be paused, and only what is paused goes on.
    case notPaused(String)
    case workspace(String, SystemError)
    /// It is not its user's.
    case workspaceOwner(String, owner: UInt32, user: UInt32)
    case noHome(user: UInt32)
    /// The host names of the containers and pods that were made of an image.
    case imageUsed(String, by: [String])
    /// A project has no image of its own name.
    case noProjectImage(project: String, names: [String])
    // MARK: networks
    case network(NetworkError)
    /// The tenant's pods may not be in the host's network.
    case hostNetwork(tenant: String)

    // MARK: volumes
    case noVolume(String, tenant: String)
    case volumeInUse(String, users: [String])
    /// A path of a volume's that is none.
    case volumePath(String, why: String)
    case noMatch(volume: String, pattern: String)
    case transfer(String, SystemError)
    case notTransferable(String, kind: String)
    case transferTooLarge(Int64)
    /// Whoever asked for it wants its end, where it was at that file.
    case transferEnded(String)
    case transferTooMany(Int)

    // MARK: pods of several containers
    /// The namespaces or the mounts that a pod's containers share.
    case sandbox(SystemError)
    case volumeMount(volume: String, subPath: String, SystemError)
    /// `runAsNonRoot`, and the image says otherwise.
    case runsAsRoot(container: String)
    /// `-c` names none of the pod's containers, or is needed.
    case noPodContainer(String, pod: String, among: [String])
    case whichContainer(pod: String, among: [String])
}

extension PodsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .images(let error): "\(error)"
        case .pods(let error):
            "the pod's record: \(error)" + PodsError.hint(error.code)
        case .output(let error): "standard output: \(error)"
        case .notRunning(let name): "pod '\(name)' does not run\n  hint: `perigee pod status \(name)` tells why"
        case .notDetachable(let step):
            "--detach: uplink \(step) comes after a pod, and somebody must stay to do it\n"
                + "  hint: put the uplinks first, or leave --detach out"
        case .podPaused(let name): "pod '\(name)' is paused\n  hint: `perigee pod unpause \(name)` lets it go on"
        case .execUser(let error):
            "--user: \(error)" + (error.isOutOfRange ? "" : "\n  hint: numbers need not be listed there")
        case .step(let id, let why): "step \(id): \(why)"
        case .supervisor(let name, let text): "pod '\(name)' can't be looked after: \(text)"
        case .podLives(let name): "pod '\(name)' is still there\n  hint: `perigee pod stop \(name)`, or pod rm --force"
        case .noPod(let name): "no such pod: \(name)\n  hint: see `perigee pod list`, and `perigee pod list --removed`"
        case .containers(let error): "\(error)"
        case .user(let image, let error):
            "image \(image), its User: \(error)"
                + (error.isOutOfRange ? "" : "\n  hint: numbers need not be listed there")
        case .invalidName(let kind, let name):
            "\(kind) '\(name)': 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end"
        case .volume(let name, let error):
            "volume \"\(name)\" cannot be opened: \(error)"
                + (error.code == .ELOOP
                    ? "\n  hint: a part of its path in the store is a symbolic link; mount the other place there instead"
                    : "")
                + (error.code == .EBUSY ? "\n  hint: something is mounted in it; unmount that first" : "")
        case .noCommand(let image):
            "image \(image) has neither an entrypoint nor a command\n  hint: give one: perigee pod run --image \(image) 'COMMAND'"
        case .wrongArchitecture(let image, let platform, let host):
            platform.hasPrefix("linux/arm64")
                ? """
                image \(image) is for \(platform), this machine is \(host), and no emulator is registered for it
                  hint: as root, with Debian's qemu-user-static installed: mount -t binfmt_misc binfmt_misc \
                /proc/sys/fs/binfmt_misc; tr -d '\\n' < /usr/lib/binfmt.d/qemu-aarch64.conf > \
                /proc/sys/fs/binfmt_misc/register (make run does it)
                """
                : """
                image \(image) is for \(platform), this machine is \(host)
                  hint: an image of several platforms may have \(host): `perigee image load --platform \(host)`
                """
        case .imageConfig(let image, let field, let why): "image \(image), its \(field): \(why)"
        case .passwd(let image, let error): "image \(image): its users can't be read: \(unreadable(error))"
        case .invalidTaskFile(let name, let problems, _): PodsError.text(problems, of: name).joined(separator: "\n")
        case .unreadableTaskFile(let path, let error):
            switch error.code {
            case .ENOENT: "no such task file: \(path)"
            case .EINVAL: "\(path) is not a regular file"
            case .EFBIG: "\(path) is larger than 1 MiB: it is no task file"
            default: "task file \(path): \(error)"
            }
        case .bundleExists(let path): "bundle \(path): it exists already\n  hint: name a new directory"
        case .bundleBusy(let path): "bundle \(path): another command is making it"
        case .bundle(let path, let error): "bundle \(path): \(error)"
        case .uplinkSource(let text, _): text
        case .uplinkTooLarge(let limit):
            "the files to uplink are larger than \(limit) bytes\n  hint: --max-size allows more"
        case .interrupted(let signal): "interrupted by signal \(signal)"
        case .configurationFile(let path, let error): "configuration \(path): \(error)"
        case .untrustedFile(let path, let owner, let mode):
            "\(path) must be root's, and not writable by others: its owner is \(owner), its mode \(octal(mode))"
                + "\n  hint: chown root:root \(path); chmod 644 \(path)"
        case .configuration(let path, let error): "configuration \(path): \(error)"
        case .noTenant(let user, let path):
            "user \(user) has no tenant\n"
                + "  hint: sudo perigee ...; or root puts the number into \"uids\" of a tenant in \(path)"
        case .notYourTenant(let tenant, let own):
            "Permission denied: you are tenant \(own), and not \(tenant)\n  hint: only root may name another tenant"
        case .belongsToOther(let pod, let tenant): "Permission denied: pod \(pod) belongs to tenant \(tenant)"
        case .hostname(let name, let problem): hostnameText(name, problem)
        case .podLimit(let live, let most):
            "Maximum pods reached (\(live)/\(most)); stop one or use replace mode"
                + "\n  hint: `perigee limits` shows the tenant's limits"
        case .unknownNode(let name, let task):
            "Node selection is invalid. (\(task.map { "task \($0): " } ?? "")node \"\(name)\"; "
                + "valid: \((NodeName.allCases.map(\.rawValue) + ["default"]).joined(separator: ", ")))"
        case .nodeArchitecture(let image, let platform, let node, let needed):
            "image \"\(image)\" is \(platform), node \(node) needs \(needed): no match for platform in manifest"
                + "\n  hint: load the image for \(needed), or name another node"
        case .nodeDisabled(let node):
            "node \(node) is not available on this machine"
                + "\n  hint: the configuration's /nodes/\(node) says what it has here"
        case .slotsTaken(let node, let holders):
            "node \(node): no slot is free: "
                + holders.map { "slot \($0.slot) is used by \($0.owner)" }.joined(separator: ", ")
                + "\n  hint: it is free as soon as its pod has ended"
        case .slot(let node, let slot, let error): "node \(node), slot \(slot): \(error)"
        case .device(let path, let file, let error): "\(of(file))device \(path): \(error)"
        case .notADevice(let path, let file): "\(of(file))device \(path): it is no character or block device"
        case .cdiFile(let path, let error): "CDI file \(path): \(error)"
        case .cdi(let path, let device, let error):
            "CDI file \(path)\(device.map { ", device \($0)" } ?? ""): \(error)"
        case .cdiName(let name):
            "CDI device '\(name)': its name must be VENDOR/CLASS=DEVICE, such as nvidia.com/gpu=0"
        case .noCDIDevice(let name, let directories, let unread):
            "CDI device \(name): no file in \(directories.joined(separator: " or ")) has it"
                + (unread.isEmpty
                    ? ""
                    : "\n  hint: perigee reads CDI files in JSON alone, and not \(unread.joined(separator: ", ")); "
                        + "`nvidia-ctk cdi generate --format=json` writes one")
        case .cdiConflict(let name, let paths):
            "CDI device \(name): it stands in \(paths.joined(separator: " and ")), and neither goes before the other"
        case .noContainer, .nameTaken, .notStarted, .notPaused, .workspace, .workspaceOwner, .noHome, .imageUsed,
            .noProjectImage:
            containerText
        case .network(let error): "\(error)"
        case .hostNetwork(let tenant):
            "Permission denied: pods of tenant \(tenant) may not be in the host's network"
                + "\n  hint: the configuration's host_namespaces allows it: [\"network\"]"
        case .noVolume(let name, let tenant):
            "no volume \"\(name)\" of tenant \(tenant)\n  hint: `perigee volume list --tenant \(tenant)` lists them"
        case .volumeInUse(let name, let users):
            "Volume \"\(name)\" is used by \(users.isEmpty ? "a live pod" : users.joined(separator: ", "))"
                + "\n  hint: it can be removed when that has ended"
        case .volumePath(let path, let why): "path '\(path)' in a volume: \(why)"
        case .noMatch(let volume, let pattern): "volume \"\(volume)\": nothing is named '\(pattern)'"
        case .transfer(let path, let error):
            "\(path): \(error)"
                + (error.code == .ENOSPC ? "\n  hint: the file system that it is copied to is full" : "")
        case .notTransferable(let path, let kind): "\(path) is \(kind): only files, directories and links are copied"
        case .transferEnded(let path): "\(path): interrupted; what was copied before stays"
        case .transferTooLarge(let limit):
            "more than \(limit) bytes\n  hint: the tenant's transfer_size, or --max-size"
        case .sandbox(let error): "what the pod's containers share can't be made: \(error)"
        case .volumeMount(let volume, let subPath, let error):
            "volume \"\(volume)\"\(subPath.isEmpty ? "" : ", subPath \(quotedAlways(subPath))"): \(error)"
                + (error.code == .ELOOP ? "\n  hint: a link in a volume is not followed" : "")
        case .runsAsRoot(let container):
            "container \(container) has runAsNonRoot, and its image's user is root\n  hint: runAsUser names another"
        case .noPodContainer(let name, let pod, let all):
            "pod '\(pod)' has no container '\(name)'; there are \(all.joined(separator: ", "))"
        case .whichContainer(let pod, let all):
            "pod '\(pod)' has several containers\n  hint: -c names one of \(all.joined(separator: ", "))"
        case .transferTooMany(let most): "more than \(most) files, or paths of more than 4095 bytes"
        }
    }

    /// The most problems of one file that are told.
    private static let mostProblems = 100

    /// A text for each of `problems`, and where they are too many one that says how many more there are.
    package static func text(_ problems: [FileProblem], of name: String) -> [String] {
        let more = problems.count - mostProblems
        return problems.prefix(mostProblems).map { $0.text(of: name) } + (more > 0 ? ["\(name): and \(more) more"] : [])
    }

    private func of(_ file: String?) -> String { file.map { "CDI file \($0), " } ?? "" }

    private func octal(_ mode: UInt32) -> String { String(mode & 0o7777, radix: 8) }

    private func hostnameText(_ name: String, _ problem: HostnameProblem) -> String {
        switch problem {
        case .tooLong(let count):
            "Hostname \"\(name)\" is \(count) characters; <tenant>-<pod_name> must be at most 63"
        case .malformed: "Hostname \"\(name)\" must match [a-z0-9]([-a-z0-9]*[a-z0-9])?"
        case .usedBy(let tenant): "Hostname \"\(name)\" is in use by tenant \(tenant)"
        }
    }

    private func unreadable(_ error: SystemError) -> String {
        switch error.code {
        case .EINVAL: "\(error.subject) is not a regular file"
        case .EFBIG: "\(error.subject) is larger than 1 MiB"
        case .ELOOP: "\(error.subject) is a loop of symbolic links"
        default: "\(error)"
        }
    }

    /// As the shell expects it: 127 and 126 for a command that can't be executed, 2 for a name that is none; 4 is not
    /// for `pod run`: 125 ours.
    package var exitStatus: Int32 {
        switch self {
        case .containers(let error): error.exitStatus
        case .invalidName, .execUser, .unknownNode, .whichContainer: 2
        default: 125
        }
    }

    private static func hint(_ code: Errno) -> String {
        switch code {
        case .ENOSPC: "\n  hint: the file system of --root or --store is full"
        case .EACCES where Identity.effectiveUser != 0, .EPERM where Identity.effectiveUser != 0:
            "\n  hint: pods need root: sudo perigee ..."
        default: ""
        }
    }

    /// For verbs that manage: 1 failed, 2 usage or an invalid file, 3 a limit or busy, 4 not there, 5 not permitted.
    package var managementStatus: Int32 {
        switch self {
        case .noPod, .noContainer, .noPodContainer, .noProjectImage: 4
        case .podLives, .nameTaken, .imageUsed: 3
        case .images(let error) where error.isMissing: 4
        case .notStarted(_, _, _, let status): status
        case .workspaceOwner: 5
        case .pods(let error) where [.EACCES, .EPERM].contains(error.code): 5
        case .containers(.state(let error)) where [.EACCES, .EPERM].contains(error.code): 5
        case .notDetachable, .whichContainer: 2
        case .invalidName, .untrustedFile, .configuration, .hostname, .unknownNode, .cdi, .cdiName, .cdiConflict,
            .volumePath, .notTransferable, .invalidTaskFile:
            2
        case .bundleBusy, .uplinkTooLarge, .podLimit, .slotsTaken, .volumeInUse, .transferTooLarge, .transferTooMany,
            .nodeDisabled:
            3
        case .noVolume, .noMatch, .noCDIDevice: 4
        case .noTenant, .notYourTenant, .belongsToOther, .hostNetwork: 5
        case .network(.portsTaken): 3
        case .interrupted(let signal): 128 + signal
        case .unreadableTaskFile(_, let error), .bundle(_, let error), .uplinkSource(_, let error):
            switch error.code {
            case .ENOENT, .ENOTDIR: 4
            case .EACCES, .EPERM: 5
            case .EINVAL, .EFBIG: 2
            default: 1
            }
        case .configurationFile(_, let error) where error.code == .EINVAL || error.code == .EFBIG: 2
        case .workspace(_, let error), .volume(_, let error), .configurationFile(_, let error), .transfer(_, let error),
            .device(_, _, let error), .images(.system(let error)):
            switch error.code {
            case .ENOENT: 4
            case .EPERM, .EACCES: 5
            default: 1
            }
        default: 1
        }
    }
}

extension PlanningError {
    fileprivate var isOutOfRange: Bool {
        if case .identityOutOfRange = self { true } else { false }
    }
}

extension PodsError {
    /// Kubernetes' word for why a pod did not come to run, and the exit code of a command that could not be executed.
    var podReason: (String, Int32?) {
        switch self {
        case .containers(let error) where error.exitStatus == 126 || error.exitStatus == 127:
            ("StartError", error.exitStatus)
        case .images(let error) where error.isMissing: ("ErrImageNeverPull", nil)
        case .images: ("ImageInspectError", nil)
        case .wrongArchitecture, .nodeArchitecture: ("ErrImagePull", nil)
        case .volume, .workspace, .workspaceOwner, .user, .passwd, .imageConfig, .device, .notADevice, .cdiFile, .cdi,
            .cdiName, .noCDIDevice, .cdiConflict, .untrustedFile, .volumeMount, .runsAsRoot:
            ("CreateContainerConfigError", nil)
        case .network, .sandbox: ("CreatePodSandboxError", nil)
        default: ("CreateContainerError", nil)
        }
    }
}

extension PodsError {
    /// Without the hint, which is for people at a terminal.
    package var summary: String { String(description.prefix { $0 != "\n" }) }
}

extension ImagesError {
    /// There is no image of that name.
    var isMissing: Bool { if case .noSuchImage = self { true } else { false } }
}
