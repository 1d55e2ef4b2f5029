/// Where something stands in a text: lines and columns from 1, a column is a Unicode scalar.
package struct TextPosition: Hashable, Sendable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (a: TextPosition, b: TextPosition) -> Bool {
        a.line == b.line ? a.column < b.column : a.line < b.line
    }
}

/// What is wrong, or strange, at one place of a file.
package struct FileProblem: Hashable, Sendable {
    package let position: TextPosition
    package let text: String

    package init(_ position: TextPosition, _ text: String) {
        self.position = position
        self.text = text
    }

    /// `tasks.yaml:12:5: unknown key …`: the form that editors and compilers have.
    package func text(of file: String) -> String { "\(file):\(position.line):\(position.column): \(text)" }
}
