internal import CYaml
internal import Planning

/// Reads YAML 1.1 with libyaml's events. What a text of a few lines could blow up with is not read: aliases, and all
/// beyond ``Limits``. Nothing is resolved, see ``YAML``.
package struct YAMLReader {
    /// The most that is read.
    package struct Limits: Sendable {
        package var bytes = 1 << 20
        /// Lists and mappings within each other.
        package var depth = 32
        /// Scalars, lists and mappings.
        package var nodes = 65_536

        package init() {}
    }

    /// What a text holds. Where it could not be read to its end there are no documents, and the last problem tells why.
    package struct Text: Sendable {
        /// Those that are not empty.
        package var documents: [YAML] = []
        package var problems: [FileProblem] = []
    }

    /// A list or a mapping whose end has not come yet.
    private struct Frame {
        let position: TextPosition
        let isMapping: Bool
        var items: [YAML] = []
        var members: [YAML.Member] = []
        /// The key whose value is next.
        var key: (text: String, position: TextPosition)?
        /// The bytes of those that there were: two texts that Unicode calls equivalent are two keys.
        var keys: [[UInt8]: TextPosition] = [:]
    }

    private let bytes: [UInt8]
    private let limits: Limits
    private var text = Text()
    private var frames: [Frame] = []
    private var nodes = 0

    /// Reads UTF-8 with or without a byte order mark, one document or several.
    package static func read(_ bytes: [UInt8], limits: Limits = Limits()) -> Text {
        var reader = YAMLReader(bytes, limits)
        let isWhole = reader.readEvents()
        if !isWhole { reader.text.documents = [] }
        return reader.text
    }

    private init(_ bytes: [UInt8], _ limits: Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    private mutating func fail(_ position: TextPosition, _ problem: String) -> Bool {
        text.problems.append(FileProblem(position, problem))
        return false
    }

    /// false: something ended it, and the last problem tells what.
    private mutating func readEvents() -> Bool {
        guard bytes.count <= limits.bytes else {
            return fail(TextPosition(line: 1, column: 1), "more than \(limits.bytes) bytes")
        }
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            return fail(TextPosition(line: 1, column: 1), "no memory is left")
        }
        defer { yaml_parser_delete(parser) }
        // Otherwise a byte order mark could make it UTF-16.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        let bytes = self.bytes
        return bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            while true {
                var event = yaml_event_t()
                guard yaml_parser_parse(parser, &event) == 1 else {
                    let (position, problem) = problem(of: parser.pointee)
                    return fail(position, problem)
                }
                let isEnd = event.type == YAML_STREAM_END_EVENT
                let goesOn = take(event)
                yaml_event_delete(&event)
                if isEnd || !goesOn { return goesOn }
            }
        }
    }

    private mutating func take(_ event: yaml_event_t) -> Bool {
        let position = YAMLReader.position(event.start_mark)
        switch event.type {
        case YAML_ALIAS_EVENT:
            return fail(position, "aliases are not read\n  hint: write the value out")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            guard count(position, scalar.anchor, scalar.tag) else { return false }
            let content = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            // What is executed, or names a file, ends for the kernel at the first of them.
            if content.utf8.contains(0) { text.problems.append(FileProblem(position, "a NUL byte")) }
            var style = YAML.Style.plain
            switch scalar.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: style = .quoted
            case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: style = .block
            default: if scalar.tag != nil { style = .quoted }
            }
            return add(YAML(position: position, content: .scalar(content, style)))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return count(position, start.anchor, start.tag) && open(position, isMapping: false)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return count(position, start.anchor, start.tag) && open(position, isMapping: true)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            guard let frame = frames.popLast() else { return true }
            let content: YAML.Content = frame.isMapping ? .mapping(frame.members) : .list(frame.items)
            return add(YAML(position: frame.position, content: content))
        default: return true
        }
    }

    /// One node more, and what it brings along.
    private mutating func count(
        _ position: TextPosition, _ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?
    ) -> Bool {
        nodes += 1
        guard nodes <= limits.nodes else { return fail(position, "more than \(limits.nodes) values") }
        guard anchor == nil else {
            return fail(position, "anchors are not read\n  hint: write the value out where it is needed")
        }
        if let tag {
            let name = String(cString: tag)
            if name != "!" && name != "tag:yaml.org,2002:str" {
                text.problems.append(FileProblem(position, "the tag \(quoted(name)) is not read"))
            }
        }
        return true
    }

    private mutating func open(_ position: TextPosition, isMapping: Bool) -> Bool {
        guard frames.count < limits.depth else { return fail(position, "more than \(limits.depth) levels") }
        if let frame = frames.last, frame.isMapping, frame.key == nil {
            return fail(position, "a key must be a text, and not a list or a mapping")
        }
        frames.append(Frame(position: position, isMapping: isMapping))
        return true
    }

    /// Puts a value that is whole where it belongs.
    private mutating func add(_ value: YAML) -> Bool {
        guard let top = frames.indices.last else {
            if value.content != .scalar("", .plain) { text.documents.append(value) }
            return true
        }
        if !frames[top].isMapping {
            frames[top].items.append(value)
        } else if let key = frames[top].key {
            frames[top].key = nil
            if let first = frames[top].keys[Array(key.text.utf8)] {
                text.problems.append(
                    FileProblem(
                        key.position, "the key \(quoted(key.text)) stands twice; it is in line \(first.line) already"))
            } else {
                frames[top].keys[Array(key.text.utf8)] = key.position
                frames[top].members.append(.init(key: key.text, keyPosition: key.position, value: value))
            }
        } else if case .scalar(let key, _) = value.content {
            frames[top].key = (key, value.position)
        }
        return true
    }
}

// MARK: - What libyaml finds

extension YAMLReader {
    private static func position(_ mark: yaml_mark_t) -> TextPosition {
        TextPosition(line: mark.line + 1, column: mark.column + 1)
    }

    private func problem(of parser: yaml_parser_t) -> (TextPosition, String) {
        let problem = parser.problem.map { String(cString: $0) } ?? "no memory is left"
        // Of bytes that are no text libyaml tells the offset alone.
        guard parser.error != YAML_READER_ERROR else {
            let value = parser.problem_value
            let what = value < 0 ? "" : ": \(value < 256 ? "0x" : "U+")" + String(value, radix: 16)
            return (position(ofByte: parser.problem_offset), "\(problem)\(what)\n  hint: the text must be UTF-8")
        }
        let position = YAMLReader.position(parser.problem_mark)
        var text = problem
        if let context = parser.context.map({ String(cString: $0) }) {
            text = "\(context): \(problem)"
            if parser.context_mark.line != parser.problem_mark.line {
                text = "\(context) from line \(parser.context_mark.line + 1) on: \(problem)"
            }
        }
        if problem == "did not find expected '-' indicator" {
            text += "\n  hint: the keys of an item stand below each other, as far to the right as its first"
        }
        if hasTab(parser.problem_mark) { text += "\n  hint: YAML is indented with spaces, and here is a tab" }
        return (position, text)
    }

    private func position(ofByte offset: Int) -> TextPosition {
        let before = bytes.prefix(offset)
        let line = before.suffix(from: before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        return TextPosition(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: line.count { $0 & 0xc0 != 0x80 } + 1)
    }

    /// Whether there is a tab where libyaml stopped, or in the indentation of that line.
    private func hasTab(_ mark: yaml_mark_t) -> Bool {
        let lines = bytes.split(
            separator: UInt8(ascii: "\n"), maxSplits: mark.line + 1, omittingEmptySubsequences: false)
        guard lines.indices.contains(mark.line) else { return false }
        let line = lines[mark.line]
        return line.dropFirst(mark.column).first == UInt8(ascii: "\t")
            || line.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(UInt8(ascii: "\t"))
    }
}
