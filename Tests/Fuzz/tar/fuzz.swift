// The tar reader and the names in it, without a disk.
import CArchive
import Images

@testable import Images

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var bytes = Array(UnsafeBufferPointer(start: data, count: size))
    correctChecksums(of: &bytes)
    for completing in [false, true] {
        do throws(ImagesError) {
            let reader = try TarReader(MemoryStream(bytes), completing: completing)
            while let entry = try reader.next() { try look(at: entry, reader, size) }
        } catch { demand(!error.description.isEmpty, "an error says nothing") }
    }
    return 0
}

private func look(at entry: TarEntry, _ reader: TarReader, _ size: Int) throws(ImagesError) {
    let name = try EntryName(entry.name)
    for component in name.components {
        demand(component.count > 1 && component.last == 0, "an empty component")
        demand(!component.contains(47) && component != [46, 46, 0], "a component that leads out")
    }
    _ = try name.meaning()
    if let target = entry.hardLink { _ = try EntryName(target) }
    _ = (entry.type, entry.permissions, entry.owner, entry.group, entry.seconds, entry.nanoseconds, entry.device)
    _ = entry.hasForeignText
    try entry.attributes { (name, value) throws(ImagesError) in
        _ = (AttributePolicy.isKept(name), AttributePolicy.isOverlays(name), value.count)
    }
    var total = 0
    try reader.content { (block, offset) throws(ImagesError) in
        demand(offset >= 0, "content before the beginning")
        total += block.count
        demand(total <= size, "more content than there is archive")
    }
}

/// Makes the checksum of each header right, without which the reader would look no further.
private func correctChecksums(of bytes: inout [UInt8]) {
    for start in stride(from: 0, to: bytes.count - 511, by: 512)
    where bytes[start + 257..<start + 262].elementsEqual("ustar".utf8) {
        for i in 148..<156 { bytes[start + i] = 32 }
        var sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
        for i in (148..<154).reversed() {
            bytes[start + i] = UInt8(48 + sum % 8)
            sum /= 8
        }
        bytes[start + 154] = 0
    }
}
