package import OCI

/// What a profile says to a call, and why: worked out from the rules, without a program.
///
/// It speaks for the architecture's own calls; what libseccomp makes of the multiplexers of 32-bit x86 (`socketcall`,
/// `ipc`) is not followed. Where several rules fit, one without conditions wins, and else the first.
package struct SeccompExplanation: Hashable, Sendable {
    /// What decides.
    package enum Reason: Hashable, Sendable {
        /// The rule at this index of the profile's `syscalls`.
        case rule(Int)
        /// No rule fits: the default action.
        case noRule
        /// The call's number is greater than the greatest that the profile names: ENOSYS.
        case newerThanProfile
    }

    package let verdict: SeccompAction
    package let reason: Reason

    /// Asks `profile` about the call `name` with `arguments` (those left out are 0).
    package init(
        of name: String, arguments: [UInt64] = [], in profile: LinuxSeccomp,
        on architecture: SeccompArchitecture = .native
    ) throws(SeccompError) {
        let fallback = try SeccompAction(
            name: profile.defaultAction, number: profile.defaultErrnoRet, place: "/defaultAction")
        let rules = try SeccompRule.all(of: profile)
        if !fallback.isPermissive, fallback != .notImplemented, let number = architecture.number(of: name) {
            let last = rules.lazy.flatMap(\.names).compactMap(architecture.number).max() ?? -1
            if last >= 0, number > last {
                verdict = .notImplemented
                reason = .newerThanProfile
                return
            }
        }
        // A rule whose action is the default is not in the filter (see SeccompFilter.compile).
        let fitting = rules.indices.filter {
            rules[$0].names.contains(name) && rules[$0].action != fallback && rules[$0].matches(arguments)
        }
        if let index = fitting.first(where: { rules[$0].conditions.isEmpty }) ?? fitting.first {
            verdict = rules[index].action
            reason = .rule(index)
        } else {
            verdict = fallback
            reason = .noRule
        }
    }
}

extension SeccompExplanation: CustomStringConvertible {
    /// `errno 1 (no rule)`, `allow (rule 3)`.
    package var description: String {
        switch reason {
        case .rule(let index): "\(verdict) (rule \(index))"
        case .noRule: "\(verdict) (no rule)"
        case .newerThanProfile: "\(verdict) (newer than the profile)"
        }
    }
}
