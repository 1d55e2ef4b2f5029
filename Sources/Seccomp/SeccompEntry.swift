/// The form of a cached program: a header, the instructions, the unknown names (each ended by a line feed), a checksum over
/// all that comes before it, and the key. Numbers are little-endian.
enum SeccompEntry {
    /// version 4, flags 4, bytes of the key 4, of instructions 4, of names 4, and 4 of nothing behind the magic number.
    static let headerSize = 32
    private static let checksumSize = 8
    /// 4096 instructions, a profile's text, and names in plenty.
    static let sizeLimit = 1 << 18
    /// "perigee" and 1.
    private static let magic: UInt64 = 0x0165_6567_6972_6570

    static func bytes(of program: SeccompProgram, version: UInt32, key: SeccompKey) -> [UInt8] {
        let names = Array(program.unknownNames.map { $0 + "\n" }.joined().utf8)
        var bytes: [UInt8] = []
        func append(_ number: UInt64, _ count: UInt64) {
            for shift in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
        }
        append(magic, 8)
        for number in [
            version, program.flags.rawValue, UInt32(key.count), UInt32(program.bytes.count), UInt32(names.count),
            0,
        ] { append(UInt64(number), 4) }
        bytes += program.bytes
        bytes += names
        append(bytes.withUnsafeBytes { Checksum.of($0) }, 8)
        key.append(to: &bytes)
        return bytes
    }

    /// The program in a file's `bytes`; nil if anything about them is not as it was written.
    static func program(in bytes: UnsafeRawBufferPointer, version: UInt32, key: SeccompKey) -> SeccompProgram? {
        func number(_ offset: Int) -> Int {
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        func part(_ begin: Int, _ count: Int) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[begin..<begin + count])
        }
        guard bytes.count >= headerSize + checksumSize else { return nil }
        guard word(0) == magic, number(8) == Int(version) else { return nil }
        let (identity, program, names) = (number(16), number(20), number(24))
        let end = headerSize + program + names
        guard end + checksumSize + identity == bytes.count, word(end) == Checksum.of(part(0, end)),
            key.isEqual(part(end + checksumSize, identity))
        else { return nil }
        let instructions = part(headerSize, program)
        guard isSoundFilter(instructions) else { return nil }
        return SeccompProgram(
            bytes: Array(instructions), flags: SeccompFlags(rawValue: UInt32(truncatingIfNeeded: number(12))),
            unknownNames: names == 0 ? [] : lines(part(end - names, names)))
    }

    /// Of its own: a launch whose profile has no unknown names makes none of these types.
    private static func lines(_ text: UnsafeRawBufferPointer) -> [String] {
        var lines: [String] = []
        var begin = 0
        for at in 0..<text.count where text[at] == UInt8(ascii: "\n") {
            lines.append(String(decoding: UnsafeRawBufferPointer(rebasing: text[begin..<at]), as: UTF8.self))
            begin = at + 1
        }
        return lines
    }
}
