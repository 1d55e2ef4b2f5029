internal import OCI

/// The text of a config.json. Its filter, mostly the longest part of it, is not read here: a compiled one is found by the
/// text, where it was read before.
package struct ConfigurationText: Hashable, Sendable {
    let bytes: [UInt8]
    /// What errors call it.
    let path: String

    /// What it says, but for the filter, which nothing in it tells of then.
    func read() throws(ContainersError) -> (spec: RuntimeSpec, filter: Filter) {
        var range: Range<Int>?
        let spec = try decode(leavingOut: JSON.Member("linux", "seccomp"), &range)
        if let range { return (spec, .text(self, range)) }
        return (spec, spec.linux.seccomp.map { .profile($0) } ?? .none)
    }

    /// What it says of its filter.
    func profile() throws(ContainersError) -> LinuxSeccomp? {
        var range: Range<Int>?
        return try decode(leavingOut: nil, &range).linux.seccomp
    }

    private func decode(leavingOut member: JSON.Member?, _ range: inout Range<Int>?) throws(ContainersError)
        -> RuntimeSpec
    {
        let json: JSON
        do throws(JSONError) { json = try JSON(parsing: bytes, leavingOut: member, &range) } catch {
            throw .json(path: path, error)
        }
        do throws(SpecError) { return try RuntimeSpec(decoding: json) } catch { throw .spec(path: path, error) }
    }
}
