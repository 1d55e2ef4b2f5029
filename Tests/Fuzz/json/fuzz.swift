// The JSON reader and writer: whatever can be read means the same when it is written and read again.
import OCI

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    var range: Range<Int>?
    let without = try? JSON(parsing: bytes, leavingOut: JSON.Member("a", "b"), &range)
    if let range { demand(range.upperBound <= bytes.count && range.count >= 2, "what is left out is not in the text") }
    guard let read = try? JSON(parsing: bytes) else { return 0 }
    demand(without != nil, "a text can be read, and not with a member left out")
    if let range {
        let part = try? JSON(parsing: Array(bytes[range]))
        demand(part?.value == read["a"]?["b"]?.value, "what is left out is another value")
    } else {
        demand(without?.value == read.value, "nothing was left out, and it is another value")
    }
    for indent in [0, 2] {
        do throws(JSONError) {
            let again = try JSON(parsing: Array(read.value.text(indent: indent).utf8))
            demand(again.value == read.value, "written and read again it is another value")
        } catch { fatalError("broke a rule: what was written can't be read: \(error)") }
    }
    return 0
}
