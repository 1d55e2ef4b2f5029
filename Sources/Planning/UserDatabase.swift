/// The users and groups of an image: passwd(5) and group(5). The files are hostile: a line that is not as it should be
/// is passed over, and no number is taken that a kernel would understand differently.
package struct UserDatabase: Hashable, Sendable {
    package struct User: Hashable, Sendable {
        package let name: String
        package let uid: UInt32
        package let gid: UInt32
        /// Empty where the line gives none.
        package let home: String
    }

    package struct Group: Hashable, Sendable {
        package let name: String
        package let gid: UInt32
        package let members: [String]
    }

    package let users: [User]
    package let groups: [Group]

    /// Reads the two texts; an absent file is an empty one.
    package init(passwd: [UInt8] = [], group: [UInt8] = []) {
        users = UserDatabase.lines(of: passwd).compactMap(UserDatabase.user)
        groups = UserDatabase.lines(of: group).compactMap(UserDatabase.group)
    }

    /// A group may have many members; a line beyond this is not one that a person wrote.
    private static let longestLine = 65_536

    /// The fields of each line that is text. A launch reads two such files, so the bytes are cut as they lie.
    private static func lines(of text: [UInt8]) -> [[String]] {
        var lines: [[String]] = []
        text.withUnsafeBufferPointer { text in
            var begin = 0
            while begin < text.count {
                var end = begin
                while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
                if let fields = fields(of: UnsafeBufferPointer(rebasing: text[begin..<end])) { lines.append(fields) }
                begin = end + 1
            }
        }
        return lines
    }

    private static func fields(of line: UnsafeBufferPointer<UInt8>) -> [String]? {
        guard let first = line.first, first != UInt8(ascii: "#"), line.count <= longestLine else { return nil }
        var fields: [String] = []
        var begin = 0
        for end in 0...line.count where end == line.count || line[end] == UInt8(ascii: ":") {
            let bytes = line[begin..<end]
            let field = String(decoding: bytes, as: UTF8.self)
            // Decoding mends what is not UTF-8.
            guard field.utf8.elementsEqual(bytes), !bytes.contains(0) else { return nil }
            fields.append(field)
            begin = end + 1
        }
        return fields
    }

    private static func user(_ fields: [String]) -> User? {
        guard fields.count >= 4, isName(fields[0]) else { return nil }
        guard let uid = identity(fields[2]), let gid = identity(fields[3]) else { return nil }
        return User(name: fields[0], uid: uid, gid: gid, home: fields.count > 5 ? fields[5] : "")
    }

    private static func group(_ fields: [String]) -> Group? {
        guard fields.count >= 3, isName(fields[0]), let gid = identity(fields[2]) else { return nil }
        let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
        return Group(name: fields[0], gid: gid, members: members)
    }

    /// `+` and `-` start the lines of NIS, which name nobody.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("+") && !text.hasPrefix("-")
    }

    /// Decimal digits alone, at most 2^31 - 1: greater ones are negative to many a program, and 2^32 - 1 means
    /// "unchanged" to the kernel.
    static func identity(_ text: String) -> UInt32? {
        guard (1...10).contains(text.utf8.count) else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard let number = UInt32(text), number <= UInt32(Int32.max) else { return nil }
        return number
    }

    static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
