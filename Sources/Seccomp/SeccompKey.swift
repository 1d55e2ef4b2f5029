internal import CSeccomp
package import OCI

/// What a cached program is found by: a digest of all that the program depends on.
package struct SeccompKey: Hashable, Sendable {
    let bytes: [UInt8]

    /// The key of a profile's value.
    package init(_ profile: LinuxSeccomp) {
        var digest = SeccompKey.digest("profile")
        digest.feed(profile.defaultAction)
        digest.feed(profile.defaultErrnoRet)
        digest.feed(profile.architectures)
        digest.feed(profile.flags)
        digest.feed(UInt64(profile.syscalls.count))
        for syscall in profile.syscalls {
            digest.feed(syscall.names)
            digest.feed(syscall.action)
            digest.feed(syscall.errnoRet)
            digest.feed(UInt64(syscall.args.count))
            for argument in syscall.args {
                digest.feed(UInt64(argument.index))
                digest.feed(argument.value)
                digest.feed(argument.valueTwo)
                digest.feed(argument.op)
            }
        }
        bytes = digest.finish()
    }

    /// The key of a template, by its text's digest, and what it is to be resolved for: cheaper, for nothing is parsed. Two
    /// texts that mean the same have two keys.
    init(templateDigest text: String, for target: SeccompTemplate.Target) {
        var digest = SeccompKey.digest("template")
        digest.feed(text)
        digest.feed(target.capabilities.sorted())
        digest.feed(UInt64(target.architecture.token))
        digest.feed(UInt64(target.kernel.major))
        digest.feed(UInt64(target.kernel.minor))
        bytes = digest.finish()
    }

    /// The key of the text of an OCI profile, `linux.seccomp` of a config.json.
    package init(profile text: UnsafeRawBufferPointer) {
        var digest = SeccompKey.digest("text")
        digest.feed(text)
        bytes = digest.finish()
    }

    /// The key in hexadecimal.
    var name: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// What every key depends on: what made the program, and for which kernel interface.
    private static func digest(_ kind: String) -> Digest {
        var digest = Digest()
        digest.feed(UInt64(SeccompCache.formatVersion))
        digest.feed(kind)
        if let version = seccomp_version()?.pointee {
            for part in [version.major, version.minor, version.micro] { digest.feed(UInt64(part)) }
        }
        digest.feed(UInt64(SeccompArchitecture.native.token))
        return digest
    }
}

extension Digest {
    fileprivate mutating func feed(_ number: UInt32?) { feed(number.map(UInt64.init) ?? .max) }

    fileprivate mutating func feed(_ texts: [String]) {
        feed(UInt64(texts.count))
        for text in texts { feed(text) }
    }
}
