package import Containers
package import Images
package import Linux
package import Planning

/// Why a pod could not be run.
package enum PodsError: Error {
    case images(ImagesError)
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
}

extension PodsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .images(let error): "\(error)"
        case .containers(let error): "\(error)"
        case .user(let image, let error):
            "image \(image), its User: \(error)"
                + (error.isOutOfRange ? "" : "\n  hint: numbers need not be listed there")
        case .invalidName(let kind, let name):
            "\(kind) '\(name)': 1 to 63 lower-case letters, digits and '-' are allowed, and not '-' at an end"
        case .volume(let name, let error): "volume '\(name)': \(error)"
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
        }
    }

    /// The most problems of one file that are told.
    private static let mostProblems = 100

    /// A text for each of `problems`, and where they are too many one that says how many more there are.
    package static func text(_ problems: [FileProblem], of name: String) -> [String] {
        let more = problems.count - mostProblems
        return problems.prefix(mostProblems).map { $0.text(of: name) } + (more > 0 ? ["\(name): and \(more) more"] : [])
    }

    /// What managing commands end with: 1 failed, 2 usage or invalid file, 3 limit or busy, 4 not found, 5 not permitted.
    package var managementStatus: Int32 {
        switch self {
        case .invalidTaskFile, .invalidName: 2
        case .bundleBusy, .uplinkTooLarge: 3
        case .interrupted(let signal): 128 + signal
        case .unreadableTaskFile(_, let error), .bundle(_, let error), .uplinkSource(_, let error):
            switch error.code {
            case .ENOENT, .ENOTDIR: 4
            case .EACCES, .EPERM: 5
            case .EINVAL, .EFBIG: 2
            default: 1
            }
        default: 1
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
        case .invalidName: 2
        default: 125
        }
    }
}

extension PlanningError {
    fileprivate var isOutOfRange: Bool {
        if case .identityOutOfRange = self { true } else { false }
    }
}
