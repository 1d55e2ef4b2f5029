/// The form of a cached program: a header, the instructions, the unknown names (each ended by a line feed), and a digest
/// over all that comes before it. Numbers are little-endian.
enum SeccompEntry {
    /// magic 8, version 4, flags 4, bytes of instructions 4, bytes of names 4, key 32.
    static let headerSize = 24 + Digest.size
    /// 4096 instructions, and names in plenty.
    static let sizeLimit = 1 << 18

    static func bytes(of program: SeccompProgram, magic: [UInt8], version: UInt32, key: SeccompKey) -> [UInt8] {
        let names = Array(program.unknownNames.map { $0 + "\n" }.joined().utf8)
        var bytes = magic
        for number in [version, program.flags.rawValue, UInt32(program.bytes.count), UInt32(names.count)] {
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        bytes += key.bytes
        bytes += program.bytes
        bytes += names
        var digest = Digest()
        digest.feed(bytes)
        return bytes + digest.finish()
    }

    /// The program in a file's `bytes`; nil if anything about them is not as it was written.
    static func program(
        in bytes: UnsafeRawBufferPointer, magic: [UInt8], version: UInt32, key: SeccompKey
    ) -> SeccompProgram? {
        guard bytes.count >= headerSize + Digest.size else { return nil }
        func number(_ offset: Int) -> UInt32 {
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        guard bytes.prefix(8).elementsEqual(magic), number(8) == version else { return nil }
        guard bytes[24..<headerSize].elementsEqual(key.bytes) else { return nil }
        let end = bytes.count - Digest.size
        let (program, names) = (Int(number(16)), Int(number(20)))
        guard headerSize + program + names == end else { return nil }
        var digest = Digest()
        digest.feed(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        guard bytes[end...].elementsEqual(digest.finish()) else { return nil }
        let instructions = UnsafeRawBufferPointer(rebasing: bytes[headerSize..<headerSize + program])
        guard isSoundFilter(instructions) else { return nil }
        let text = Array(bytes[(headerSize + program)..<end])
        return SeccompProgram(
            bytes: Array(instructions), flags: SeccompFlags(rawValue: number(12)),
            unknownNames: text.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) })
    }
}
