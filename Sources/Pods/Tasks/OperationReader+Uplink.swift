extension OperationReader {
    private static let uplinkKeys = commonKeys + ["source", "destination", "volume", "merge"]

    /// Reads an uplink task; nil: something is missing, which is told.
    mutating func uplink(_ value: YAML, _ owner: String) -> UplinkTask? {
        guard let fields = complaints.fields(value, Self.uplinkKeys, owner: owner) else { return nil }
        if fields["merge"] != nil {
            complaints.warning(
                fields.position(of: "merge"), "\(owner): merge has no effect on type \(OperationReader.uplink)")
        }
        let volume = volume(fields)
        let destination = destination(fields)
        guard fields["source"] != nil else {
            complaints.problem(fields.position(of: "source"), "\(owner): source is missing: a list of files")
            return nil
        }
        guard let texts = complaints.texts(fields, "source") else { return nil }
        if texts.isEmpty { complaints.problem(fields.position(of: "source"), "\(owner): source: the list is empty") }
        var sources: [UplinkTask.Source] = []
        var names: [[UInt8]: UplinkTask.Source] = [:]
        for (text, position) in texts {
            guard let source = source(text, position, owner) else { continue }
            if let first = names[Array(source.name.utf8)] {
                complaints.problem(
                    position,
                    "\(owner): \(quotedAlways(text)) and \(quotedAlways(first.path.description)) would be the same file "
                        + "of the volume")
            } else {
                names[Array(source.name.utf8)] = source
                sources.append(source)
            }
        }
        guard let volume, let destination else { return nil }
        return UplinkTask(sources: sources, destination: destination, volume: volume)
    }

    private mutating func source(_ text: String, _ position: TextPosition, _ owner: String) -> UplinkTask.Source? {
        let problem: String
        switch RelativePath.read(text, mayBeAbsolute: false) {
        case .success(let path) where !path.parts.isEmpty && text.utf8.last != UInt8(ascii: "/"):
            return .init(path: path, position: position)
        case .success: problem = "it names no file"
        case .failure(let error): problem = error.text
        }
        complaints.problem(
            position,
            "\(owner): source \(quotedAlways(text)): \(problem)\n  hint: sources lie beneath the task file's directory")
        return nil
    }

    /// From the volume's root, whether or not a slash stands before it.
    private mutating func destination(_ fields: TaskFields) -> RelativePath? {
        guard fields["destination"] != nil else {
            complaints.problem(
                fields.position(of: "destination"),
                "\(fields.owner): destination is missing: a directory of the volume, or /")
            return nil
        }
        guard let text = complaints.text(fields, "destination") else { return nil }
        switch RelativePath.read(text, mayBeAbsolute: true) {
        case .success(let path): return path
        case .failure(let error):
            complaints.problem(
                fields.position(of: "destination"),
                "\(fields.owner): destination \(quotedAlways(text)): \(error.text)")
            return nil
        }
    }
}
