internal import Pods

/// Columns for people.
enum Table {
    /// A line for `head` and one for each of `rows`, columns two blanks apart.
    static func text(_ head: [String], _ rows: [[String]]) -> String {
        let lines = [head] + rows
        let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            var text = ""
            for (column, cell) in line.enumerated() {
                text += cell
                if column < line.count - 1 { text += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return text + "\n"
        }.joined()
    }
}

/// Amounts of bytes.
enum Size {
    /// As ``Quantity/bytes(_:)`` reads it.
    static func bytes(_ text: String) -> Int64? { Quantity.bytes(text) }

    /// With one decimal and a unit: `1.5 MiB`.
    static func text(_ bytes: Int64) -> String {
        var tenths = bytes * 10
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if tenths < 10240 { return unit == "B" ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(unit)" }
            tenths /= 1024
        }
        return "\(tenths / 10).\(tenths % 10) TiB"
    }
}
