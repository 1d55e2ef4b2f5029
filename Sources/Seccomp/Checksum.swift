/// A sum over bytes that finds what is torn or has rotted: each changed bit changes it. It keeps nobody out; who may write
/// a cache's directory could write a right sum too.
enum Checksum {
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        // Odd: so no word's change is lost.
        let factor: UInt64 = 0x9e37_79b9_7f4a_7c15
        // Four at once, since each waits for its own last product.
        var (a, b, c, d) = (UInt64(bytes.count), factor, factor &* 3, factor &* 5)
        func mixed(_ sum: UInt64, _ word: UInt64) -> UInt64 {
            let product = (sum ^ word) &* factor
            return product ^ product >> 29
        }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        var at = 0
        while at + 32 <= bytes.count {
            a = mixed(a, word(at))
            b = mixed(b, word(at + 8))
            c = mixed(c, word(at + 16))
            d = mixed(d, word(at + 24))
            at += 32
        }
        while at < bytes.count {
            a = mixed(a, UInt64(bytes[at]))
            at += 1
        }
        return mixed(mixed(mixed(mixed(0, a), b), c), d)
    }
}
