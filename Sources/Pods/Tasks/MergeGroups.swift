/// Which tasks are begun together: runs of neighbours that all say `merge: true`. Any other task, of whatever type, ends
/// a run and stands alone.
package enum MergeGroups {
    /// The groups as ranges, in order; `merges[i]` is whether task i is a pod run with `merge: true`.
    package static func ranges(_ merges: [Bool]) -> [Range<Int>] {
        var groups: [Range<Int>] = []
        for i in merges.indices {
            if merges[i], i > 0, merges[i - 1], let last = groups.popLast() {
                groups.append(last.lowerBound..<i + 1)
            } else {
                groups.append(i..<i + 1)
            }
        }
        return groups
    }
}
