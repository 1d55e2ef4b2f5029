// The JSON reader and writer: whatever can be read means the same when it is written and read again.
import OCI

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    guard let read = try? JSON(parsing: bytes) else { return 0 }
    for indent in [0, 2] {
        do throws(JSONError) {
            let again = try JSON(parsing: Array(read.value.text(indent: indent).utf8))
            demand(again.value == read.value, "written and read again it is another value")
        } catch { fatalError("broke a rule: what was written can't be read: \(error)") }
    }
    return 0
}
