/// The head of a filter that answers ENOSYS for calls which the profile's author could not have known.
///
/// A C library tries a new call first and takes an older one if the kernel says ENOSYS; EPERM, the usual default of
/// a profile, it takes for a final answer. A call counts as too new if its number is greater than that of every call
/// which the profile names for that architecture, whatever the rule says (so a profile that names a call only to deny
/// it keeps its EPERM). The names are resolved by libseccomp: one that it doesn't know yet does not count, since
/// the filter could not allow it either. This is the rule of runc and crun; like theirs it misses numbers that lie in
/// a hole below the greatest.
///
/// x32 shares its architecture value with x86-64 and is told apart by bit 30 of the number. If the profile names only
/// one of the two, calls of the other go to libseccomp's part, which gives them the action for foreign architectures (kill).
struct UnknownCallStub {
    /// Where a jump of the stub leads.
    private enum Target { case next, skip(Int), deny, filter }
    private enum Line {
        case load(UInt32)
        case jump(UInt16, UInt32, ifTrue: Target, ifFalse: Target)
    }

    private var lines: [Line] = []

    /// Makes the stub; `last` has the greatest number for each architecture of the profile.
    init(last: [(architecture: SeccompArchitecture, number: UInt32)]) {
        var seen: Set<UInt32> = []
        for (architecture, number) in last where seen.insert(architecture.auditValue).inserted {
            let section = Self.section(architecture, number, last: last)
            if lines.isEmpty { lines.append(.load(FilterData.architecture)) }
            lines.append(
                .jump(FilterCode.jumpIfEqual, architecture.auditValue, ifTrue: .next, ifFalse: .skip(section.count)))
            lines += section
        }
    }

    private static func section(
        _ architecture: SeccompArchitecture, _ number: UInt32,
        last: [(architecture: SeccompArchitecture, number: UInt32)]
    ) -> [Line] {
        let load = Line.load(FilterData.number)
        func above(_ number: UInt32) -> Line {
            .jump(FilterCode.jumpIfGreater, number, ifTrue: .deny, ifFalse: .filter)
        }
        func onX32(_ x32: Target, otherwise: Target) -> Line {
            .jump(FilterCode.jumpIfAnySet, SeccompArchitecture.x32Bit, ifTrue: x32, ifFalse: otherwise)
        }
        guard architecture.auditValue == SeccompArchitecture.x86_64.token else { return [load, above(number)] }
        let wide = last.first { $0.architecture == .x86_64 }?.number
        let x32 = last.first { $0.architecture == .x32 }?.number
        switch (wide, x32) {
        case (let wide?, let x32?): return [load, onX32(.skip(1), otherwise: .next), above(wide), above(x32)]
        case (let wide?, nil): return [load, onX32(.filter, otherwise: .next), above(wide)]
        default: return [load, onX32(.next, otherwise: .filter), above(number)]
        }
    }

    /// The instructions; what follows them is the filter. Nil if a jump is too far for its eight bits, which takes more
    /// than fifty architectures.
    func assembled(denying action: UInt32) -> [FilterInstruction]? {
        guard !lines.isEmpty else { return [] }
        var program: [FilterInstruction] = []
        for (index, line) in lines.enumerated() {
            func distance(_ target: Target) -> UInt8? {
                switch target {
                case .next: 0
                case .skip(let count):
                    // A section that is the last one is left for the filter, not for the return before it.
                    index + 1 + count == lines.count ? distance(.filter) : UInt8(exactly: count)
                case .deny: UInt8(exactly: lines.count - index - 1)
                case .filter: UInt8(exactly: lines.count - index)
                }
            }
            switch line {
            case .load(let offset): program.append(FilterInstruction(FilterCode.load, offset))
            case .jump(let code, let operand, let ifTrue, let ifFalse):
                guard let yes = distance(ifTrue), let no = distance(ifFalse) else { return nil }
                program.append(FilterInstruction(code, operand, jumpTrue: yes, jumpFalse: no))
            }
        }
        program.append(FilterInstruction(FilterCode.return, action))
        return program
    }
}
