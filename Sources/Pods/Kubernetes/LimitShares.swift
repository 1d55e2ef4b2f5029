/// How what a pod may have is shared out among containers that run beside each other: who says how much has that, and the others
/// have the rest in equal parts.
struct LimitShares {
    /// nil: any amount.
    private let total: Int64?
    private let said: [Int64?]

    init(_ total: Int64?, _ said: [Int64?]) {
        self.total = total
        self.said = said
    }

    /// What the one at `i` may have; nil: any amount.
    subscript(i: Int) -> Int64? {
        if let own = said[i] { return own }
        guard let total else { return nil }
        let rest = total - min(total, said.reduce(0) { $0 + ($1 ?? 0) })
        return rest / Int64(said.count { $0 == nil })
    }
}
