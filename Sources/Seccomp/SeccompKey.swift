internal import CSeccomp
internal import Glibc
package import OCI

/// What a cached program is found by: all that it depends on, as it is, and no digest of it. So two keys are equal where
/// they mean the same, whoever wrote the profile, and a launch computes no digest of a text of ten thousand bytes.
package struct SeccompKey: Hashable, Sendable {
    let bytes: [UInt8]
    /// What comes behind them, a part of the caller's array: that is not copied for a look.
    private let text: [UInt8]
    private let range: Range<Int>

    private init(_ bytes: [UInt8], _ text: [UInt8] = [], _ range: Range<Int> = 0..<0) {
        self.bytes = bytes
        self.text = text
        self.range = range
    }

    /// The key of a profile's value.
    package init(_ profile: LinuxSeccomp) {
        var identity = KeyWriter("profile", capacity: 8192)
        identity.feed(profile.defaultAction)
        identity.feed(profile.defaultErrnoRet)
        identity.feed(profile.architectures)
        identity.feed(profile.flags)
        identity.feed(UInt64(profile.syscalls.count))
        for syscall in profile.syscalls {
            identity.feed(syscall.names)
            identity.feed(syscall.action)
            identity.feed(syscall.errnoRet)
            identity.feed(UInt64(syscall.args.count))
            for argument in syscall.args {
                identity.feed(UInt64(argument.index))
                identity.feed(argument.value)
                identity.feed(argument.valueTwo)
                identity.feed(argument.op)
            }
        }
        self.init(identity.bytes)
    }

    /// The key of a template, by its text's digest, and what it is to be resolved for: cheaper, for nothing is parsed. Two
    /// texts that mean the same have two keys.
    init(templateDigest text: String, for target: SeccompTemplate.Target) {
        var identity = KeyWriter("template", capacity: 1024)
        identity.feed(text)
        identity.feed(target.capabilities.sorted())
        identity.feed(UInt64(target.architecture.token))
        identity.feed(UInt64(target.kernel.major))
        identity.feed(UInt64(target.kernel.minor))
        self.init(identity.bytes)
    }

    /// The key of the text of an OCI profile, `linux.seccomp` of a config.json, which stands in `range` of `text`.
    package init(profile text: [UInt8], in range: Range<Int>) {
        var identity = KeyWriter("text", capacity: 64)
        identity.feed(UInt64(range.count))
        self.init(identity.bytes, text, range)
    }

    package static func == (a: SeccompKey, b: SeccompKey) -> Bool {
        a.bytes == b.bytes && a.text[a.range] == b.text[b.range]
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    /// The length of the whole.
    var count: Int { bytes.count + range.count }

    /// The whole.
    func append(to out: inout [UInt8]) {
        out += bytes
        out += text[range]
    }

    /// Whether `other` is the same.
    func isEqual(_ other: UnsafeRawBufferPointer) -> Bool {
        guard other.count == count, let start = other.baseAddress else { return false }
        let isBegun = bytes.withUnsafeBytes { own in
            own.baseAddress.map { memcmp($0, start, own.count) == 0 } ?? true
        }
        return isBegun
            && text.withUnsafeBytes { own in
                own.baseAddress.map { memcmp($0 + range.lowerBound, start + bytes.count, range.count) == 0 } ?? true
            }
    }

    /// 32 hexadecimal digits: a file says the whole key, and who has another one makes it anew.
    var name: String {
        let own = bytes.withUnsafeBytes { Checksum.of($0) }
        let other = text.withUnsafeBytes { Checksum.of(UnsafeRawBufferPointer(rebasing: $0[range])) }
        return String(unsafeUninitializedCapacity: 32) { buffer in
            for i in 0..<32 {
                let sum = i < 16 ? own : other
                let digit = UInt8(truncatingIfNeeded: sum >> UInt64(60 - 4 * (i & 15))) & 15
                buffer.initializeElement(at: i, to: digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
            }
            return 32
        }
    }
}

/// Writes a key, each text with its length before it, so that two of them are never one.
private struct KeyWriter {
    private(set) var bytes: [UInt8] = []

    /// What every key depends on: what makes the programs, and for which kernel interface.
    init(_ kind: String, capacity: Int) {
        bytes.reserveCapacity(capacity)
        feed(UInt64(SeccompCache.formatVersion))
        feed(kind)
        // The library is linked in: it is of the version of its header.
        feed(UInt64(SCMP_VER_MAJOR))
        feed(UInt64(SCMP_VER_MINOR))
        feed(UInt64(SCMP_VER_MICRO))
        feed(UInt64(SeccompArchitecture.native.token))
    }

    mutating func feed(_ number: UInt64) {
        for shift: UInt64 in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func feed(_ number: UInt32?) { feed(number.map(UInt64.init) ?? .max) }

    mutating func feed(_ text: String) {
        var text = text
        text.withUTF8 { text in
            feed(UInt64(text.count))
            bytes.append(contentsOf: text)
        }
    }

    mutating func feed(_ texts: [String]) {
        feed(UInt64(texts.count))
        for text in texts { feed(text) }
    }
}
