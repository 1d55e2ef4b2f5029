import Testing

@testable import Pods

struct QuantityTests {
    @Test(
        "sizes",
        arguments: [
            ("1", 1), ("64m", 64 << 20), ("64M", 64 << 20), ("512Ki", 512 << 10), ("1g", 1 << 30), ("2GB", 2 << 30),
            ("7b", 7),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) { #expect(Quantity.bytes(text) == bytes) }

    @Test("what is no size", arguments: ["", "m", "-1", "1.5g", "1 m", "9999999999999g", "64mm", "0x10"])
    func noSizes(text: String) { #expect(Quantity.bytes(text) == nil) }

    @Test("processors", arguments: [("0.2", 200), ("2", 2000), (".5", 500), ("1.25", 1250)] as [(String, Int64)])
    func processors(text: String, thousandths: Int64) { #expect(Quantity.thousandths(text) == thousandths) }

    @Test("what is no number of processors", arguments: ["0", "0.0", "-1", "1.2345", "1.", "", "a", "1.2.3", "1e3"])
    func noProcessors(text: String) { #expect(Quantity.thousandths(text) == nil) }

    @Test(
        "times",
        arguments: [
            ("90s", 90_000_000_000), ("1m30s", 90_000_000_000), ("500ms", 500_000_000), ("2h", 7_200_000_000_000),
            ("5", 5_000_000_000),
        ] as [(String, UInt64)])
    func times(text: String, nanoseconds: UInt64) { #expect(Quantity.nanoseconds(text) == nanoseconds) }

    @Test("what is no time", arguments: ["", "0", "0s", "s", "1x", "1m30", "-5s", "99999999999h", "1.5s"])
    func noTimes(text: String) { #expect(Quantity.nanoseconds(text) == nil) }
}
