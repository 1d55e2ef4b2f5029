/// Splits a string into words as a POSIX shell does (XCU 2.2, quoting), and expands nothing.
enum ShellWords {
    /// nil: a quote is not closed, or a backslash is the last character.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word = ""
        /// Quotes alone make a word, too.
        var isWord = false
        var quote: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch (scalar, quote) {
            case (let mark, _) where mark == quote: quote = nil
            case ("\\", nil):
                guard let next = scalars.next() else { return nil }
                // With a line's end it is nothing at all: the line goes on.
                if next != "\n" {
                    word.unicodeScalars.append(next)
                    isWord = true
                }
            case ("\\", "\""):
                guard let next = scalars.next() else { return nil }
                if next == "\n" { continue }
                if !["$", "`", "\"", "\\"].contains(next) { word.unicodeScalars.append("\\") }
                word.unicodeScalars.append(next)
            case ("'", nil), ("\"", nil):
                quote = scalar
                isWord = true
            case (" ", nil), ("\t", nil), ("\n", nil):
                if isWord { words.append(word) }
                word = ""
                isWord = false
            default:
                word.unicodeScalars.append(scalar)
                isWord = true
            }
        }
        guard quote == nil else { return nil }
        return isWord ? words + [word] : words
    }
}
