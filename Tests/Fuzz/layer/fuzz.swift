// Whole layers, written into a tmpfs that is mounted nowhere, above a layer that has something of everything. What a
// layer writes must lie in it: a file beside it is watched.
import CArchive
import Glibc
import Linux

@testable import Images

nonisolated(unsafe) private var scratch: Descriptor = .workingDirectory
nonisolated(unsafe) private var lower: Descriptor = .workingDirectory

/// Makes the tmpfs, with the layer below and what is watched. Its descriptors live as long as the process.
private func prepare() throws {
    let context = try FileSystemContext(type: "tmpfs")
    try context.set("size", to: "64m")
    try context.create()
    let mount = try context.mount()
    scratch = Descriptor(try mount.view.open(".", O_RDONLY | O_DIRECTORY).release())
    try scratch.makeDirectory("canary", mode: 0o755)
    try scratch.replaceFile("canary/file", with: [1, 2, 3])
    try scratch.makeDirectory("lower", mode: 0o755)
    lower = Descriptor(try scratch.open("lower", O_RDONLY | O_DIRECTORY).release())
    for path in ["d", "d/e", "x", "empty"] { try lower.makeDirectory(path, mode: 0o755) }
    for path in ["f", "d/f", "d/e/f", "x/y"] { try lower.replaceFile(path, with: [UInt8](repeating: 7, count: 5000)) }
    try lower.makeSymlink("l", to: "d")
    try lower.makeSymlink("out", to: "/../../canary")
    try lower.makeSymlink("loop", to: "loop")
    try lower.makeNode("null", mode: S_IFCHR | 0o666, device: DeviceNumber.make(major: 1, minor: 3))
}

/// libFuzzer calls it once, before.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>?, _ words: UnsafeMutableRawPointer?) -> CInt {
    do { try prepare() } catch { fatalError("no tmpfs: \(error)") }
    return 0
}

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var bytes = Array(UnsafeBufferPointer(start: data, count: size))
    correctChecksums(of: &bytes)
    for base in [nil, lower] {
        do {
            try scratch.makeDirectory("diff", mode: 0o755)
            let diff = try scratch.open("diff", O_RDONLY | O_DIRECTORY)
            do throws(ImagesError) { try unpack(bytes, diff.view, base) } catch {
                demand(!error.description.isEmpty, "an error says nothing")
            }
            try scratch.removeTree("diff")
            let names = Set(try scratch.entries().map { $0.count })
            let canary = try scratch.readFile("canary/file", limit: 10)
            demand(names == [7, 6], "there is something beside the layer")
            demand(canary == [1, 2, 3], "a file beside the layer was written")
            let below = try lower.entries().count
            demand(below == 8, "the layer below was changed")
        } catch { fatalError("broke a rule: \(error)") }
    }
    return 0
}

/// As ``LayerUnpacker`` does it, without the digests.
private func unpack(_ bytes: [UInt8], _ diff: Descriptor, _ below: Descriptor?) throws(ImagesError) {
    let reader = try TarReader(MemoryStream(bytes), completing: true)
    let writer = try LayerWriter(diff: diff, lower: below)
    while let entry = try reader.next() { try writer.write(entry, from: reader) }
    try writer.finish()
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
