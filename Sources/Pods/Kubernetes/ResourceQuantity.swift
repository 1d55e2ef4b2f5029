/// An amount as Kubernetes writes it: `100m`, `1.5`, `64Mi`, `1e3`, `2G` (apimachinery, resource.Quantity).
struct ResourceQuantity: Hashable, Sendable {
    /// The number without its point, and how often it is to be divided by ten, and multiplied by two.
    private let digits: Int64
    private let tens: Int
    private let twos: Int

    /// nil: it is none, is negative, or has more than 18 digits.
    init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("+") { rest = rest.dropFirst() }
        let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), number.count > parts.count - 1 else { return nil }
        let figures = parts.joined()
        guard (1...18).contains(figures.utf8.count), let value = Int64(figures) else { return nil }
        let fraction = parts.count == 2 ? parts[1].utf8.count : 0
        guard let (power, twos) = ResourceQuantity.power(String(rest.dropFirst(number.count))) else { return nil }
        digits = value
        tens = power - fraction
        self.twos = twos
    }

    /// By which powers of ten and two a suffix multiplies.
    private static func power(_ suffix: String) -> (tens: Int, twos: Int)? {
        let decimal: [(String, Int)] = [
            ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
        ]
        if let found = decimal.first(where: { $0.0 == suffix }) { return (found.1, 0) }
        let binary: [(String, Int)] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)]
        if let found = binary.first(where: { $0.0 == suffix }) { return (0, found.1) }
        guard suffix.hasPrefix("e") || suffix.hasPrefix("E"), let power = Int(suffix.dropFirst()),
            (-18...18).contains(power)
        else { return nil }
        return (power, 0)
    }

    /// Whole ones, rounded up; nil: more than 2^63 - 1.
    var whole: Int64? { scaled(by: 0) }
    /// Thousandths, rounded up.
    var thousandths: Int64? { scaled(by: 3) }

    private func scaled(by power: Int) -> Int64? {
        var value = digits
        // What makes it larger first: nothing is lost by rounding then, and what is too large is told.
        for _ in 0..<twos {
            let (next, isOver) = value.multipliedReportingOverflow(by: 2)
            if isOver { return nil }
            value = next
        }
        let exponent = tens + power
        for _ in 0..<max(0, exponent) {
            let (next, isOver) = value.multipliedReportingOverflow(by: 10)
            if isOver { return nil }
            value = next
        }
        for _ in 0..<max(0, -exponent) { value = value / 10 + (value % 10 > 0 ? 1 : 0) }
        return value
    }
}
