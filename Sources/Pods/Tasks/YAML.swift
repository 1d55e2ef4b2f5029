/// A value of a YAML text. A scalar is its source text: `3.10` is never a number here, and `no` never false, until a field
/// asks for one.
package struct YAML: Hashable, Sendable {
    /// How a scalar was written.
    package enum Style: Hashable, Sendable {
        /// Without quotes: only such a scalar can be a number, true, false or null.
        case plain
        /// In single or double quotes, or with the tag `!!str`.
        case quoted
        /// Behind `|` or `>`.
        case block
    }

    package enum Content: Hashable, Sendable {
        case scalar(String, Style)
        case list([YAML])
        /// In the order of the text; of a key that stands twice, the first.
        case mapping([Member])
    }

    package struct Member: Hashable, Sendable {
        package let key: String
        package let keyPosition: TextPosition
        package let value: YAML
    }

    package let position: TextPosition
    package let content: Content

    /// Nothing behind the colon, `~` or `null`.
    package var isNull: Bool {
        guard case .scalar(let text, .plain) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}
