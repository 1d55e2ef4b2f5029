/// `max_duration`: minutes as a decimal number.
enum Minutes {
    /// A year of 365 days.
    static let most: UInt64 = 525_600

    /// Milliseconds, rounded up; nil: no number of at most six decimals, or not more than 0 and at most ``most``. A leading
    /// zero would be an octal number for some readers of YAML.
    static func milliseconds(_ text: String) -> UInt64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        func number(_ digits: Substring) -> UInt64? {
            digits.utf8.allSatisfy { (48...57).contains($0) } ? UInt64(digits) : nil
        }
        guard let whole = number(parts[0]), whole <= most, parts[0] == "0" || parts[0].utf8.first != 48 else {
            return nil
        }
        var millionths: UInt64 = 0
        if parts.count == 2 {
            guard (1...6).contains(parts[1].utf8.count), let digits = number(parts[1]) else { return nil }
            millionths = (parts[1].utf8.count..<6).reduce(digits) { value, _ in value * 10 }
        }
        let milliseconds = whole * 60_000 + (millionths * 60_000 + 999_999) / 1_000_000
        return (1...most * 60_000).contains(milliseconds) ? milliseconds : nil
    }
}
