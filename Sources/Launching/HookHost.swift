package import Cgroups
package import Linux
package import OCI

/// Who runs the hooks of a plan.
package protocol HookHost: AnyObject {
    /// Runs hook `index` of its kind, and returns when it has ended well. `first` is the container's first process,
    /// `watching` its handle if a hook is in vain without it, `group` the container's.
    func run(
        _ kind: Hooks.Kind, _ index: Int, _ hook: Hooks.Hook, first: Int32, watching: Descriptor?, group: Cgroup?
    ) throws(HookFailure)
}

/// What a hook failed with.
package struct HookFailure: Error, Hashable, Sendable {
    package let kind: Hooks.Kind
    /// From 0, as in the configuration.
    package let index: Int
    package let path: String
    package let why: String
    /// The end of what it has written.
    package let output: String

    package init(_ kind: Hooks.Kind, _ index: Int, _ path: String, why: String, output: String = "") {
        self.kind = kind
        self.index = index
        self.path = path
        self.why = why
        self.output = output
    }
}

extension HookFailure: CustomStringConvertible {
    /// `createRuntime hook 0, '/bin/tool': exit code 3`, and its last words.
    package var description: String {
        let lines = output.split(separator: "\n").map { "\n  it wrote: \($0)" }
        return "\(kind.rawValue) hook \(index), '\(path)': \(why)" + lines.joined()
    }
}
