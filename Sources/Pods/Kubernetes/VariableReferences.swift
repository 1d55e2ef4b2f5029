/// `$(NAME)` in texts of a manifest: the value of a variable, where there is one. `$$` is one dollar sign (Kubernetes,
/// "Define Dependent Environment Variables", and third_party/forked/golang/expansion).
enum VariableReferences {
    /// `text` with each reference replaced by what `value` gives; one that it has nothing for stays as it is.
    static func expand(_ text: String, _ value: (String) -> String?) -> String {
        let bytes = Array(text.utf8)
        let (dollar, open, close) = (UInt8(ascii: "$"), UInt8(ascii: "("), UInt8(ascii: ")"))
        var out: [UInt8] = []
        var i = 0
        while i < bytes.count {
            guard bytes[i] == dollar, i + 1 < bytes.count else {
                out.append(bytes[i])
                i += 1
                continue
            }
            switch bytes[i + 1] {
            case dollar:
                out.append(dollar)
                i += 2
            case open:
                guard let end = bytes[(i + 2)...].firstIndex(of: close) else {
                    out += bytes[i...(i + 1)]
                    i += 2
                    continue
                }
                let name = String(decoding: bytes[(i + 2)..<end], as: UTF8.self)
                if let found = value(name) { out += found.utf8 } else { out += bytes[i...end] }
                i = end + 1
            default:
                out += bytes[i...(i + 1)]
                i += 2
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
