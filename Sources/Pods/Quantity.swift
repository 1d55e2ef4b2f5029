/// Amounts as people write them.
package enum Quantity {
    /// Bytes: a whole number with `b`, `k`, `m`, `g` or `t` (powers of 1024, either case) or none, as Docker has it,
    /// and `Ki`, `Mi`, `Gi`, `Ti`. nil: not one, or beyond 2^63 - 1.
    package static func bytes(_ text: String) -> Int64? {
        let lower = text.lowercased()
        let units: [(String, Int64)] = [
            ("ki", 1 << 10), ("mi", 1 << 20), ("gi", 1 << 30), ("ti", 1 << 40), ("kb", 1 << 10), ("mb", 1 << 20),
            ("gb", 1 << 30), ("tb", 1 << 40), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("t", 1 << 40), ("b", 1),
        ]
        let unit = units.first { lower.hasSuffix($0.0) } ?? ("", 1)
        guard let number = digits(String(lower.dropLast(unit.0.count))) else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.1)
        return overflow ? nil : product
    }

    /// Processors: `0.5`, `2`, in thousandths; at least one.
    package static func thousandths(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = digits(parts[0].isEmpty ? "0" : String(parts[0])) else { return nil }
        var rest: Int64 = 0
        if parts.count == 2 {
            guard (1...3).contains(parts[1].count), let number = digits(String(parts[1])) else { return nil }
            rest = number * [100, 10, 1][parts[1].count - 1]
        }
        guard whole < 1_000_000 else { return nil }
        let amount = whole * 1000 + rest
        return amount > 0 ? amount : nil
    }

    /// Nanoseconds: `90s`, `1m30s`, `500ms`, `2h`; a plain number is seconds.
    package static func nanoseconds(_ text: String) -> UInt64? {
        let units: [(String, UInt64)] = [
            ("ms", 1_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ]
        var total: UInt64 = 0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let figures = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = digits(String(figures)) else { return nil }
            rest = rest.dropFirst(figures.count)
            let unit = rest.isEmpty ? ("", 1_000_000_000) : units.first { rest.hasPrefix($0.0) }
            guard let unit, !(unit.0.isEmpty && figures.count != text.count) else { return nil }
            rest = rest.dropFirst(unit.0.count)
            let (product, overflow) = UInt64(number).multipliedReportingOverflow(by: unit.1)
            let (sum, carry) = total.addingReportingOverflow(product)
            guard !overflow, !carry, sum < 1 << 62 else { return nil }
            total = sum
        }
        return total > 0 ? total : nil
    }

    private static func digits(_ text: String) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return Int64(text)
    }
}
