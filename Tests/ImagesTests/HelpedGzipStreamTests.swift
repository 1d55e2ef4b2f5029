import Glibc
import Linux
import OCI
import Testing

@testable import Images

struct HelpedGzipStreamTests {
    /// What comes out of a file with these bytes, and the digest of the file that was made on the way.
    private func decompress(_ bytes: [UInt8], program: String = HelpedGzipStream.program) throws -> [UInt8] {
        let scratch = try Scratch()
        let path = scratch.path + "/file.gz"
        try Descriptor.workingDirectory.replaceFile(path, with: bytes)
        let file = try Descriptor.workingDirectory.open(path, O_RDONLY)
        let packed = MeasuredStream(FileStream(file.view), limit: .max, tooLong: .unnamed)
        let stream = HelpedGzipStream(file.view, packed, program: program)
        var out: [UInt8] = []
        while true {
            let block = try stream.next()
            if block.isEmpty { break }
            out += block
        }
        #expect(try stream.next().isEmpty)
        try packed.drain()
        #expect(packed.digest == Digest(of: bytes))
        return out
    }

    /// Two megabytes that compress by half, and the same as two gzip members.
    private static let content = (0..<(2 << 20)).map { UInt8(truncatingIfNeeded: ($0 &* $0 >> 7) & 63) }
    private static let members: [UInt8] = {
        let path = "/var/tmp/perigee-test-gzip-\(getpid())"
        defer { for part in ["", ".gz"] { unlink(path + part) } }
        try? Descriptor.workingDirectory.replaceFile(path, with: content)
        system("{ head -c 1000000 \(path) | gzip; tail -c +1000001 \(path) | gzip; } > \(path).gz")
        return (try? Descriptor.workingDirectory.readFile(path + ".gz", limit: 8 << 20)) ?? []
    }()

    @Test("the helper, one that is missing and one that fails give the same", arguments: ["igzip", "none", "false"])
    func same(program: String) throws {
        #expect(try decompress(Self.members, program: "/usr/bin/" + program) == Self.content)
    }

    @Test("where the helper stops in the middle, zlib goes on and says why", arguments: ["igzip", "none"])
    func damaged(program: String) throws {
        let program = "/usr/bin/" + program
        let cut = Array(Self.members.prefix(Self.members.count * 3 / 4))
        #expect(throws: ImagesError.truncated("the gzip stream")) { try decompress(cut, program: program) }
        var wrong = Self.members
        wrong[wrong.count - 5] ^= 1  // the checksum's last byte
        #expect(throws: ImagesError.damagedCompression(.gzip, "incorrect data check")) {
            try decompress(wrong, program: program)
        }
        #expect(throws: ImagesError.truncated("the gzip stream")) { try decompress([], program: program) }
    }
}
