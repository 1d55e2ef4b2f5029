/// Guesses at what was meant.
package enum Spelling {
    /// The one of `words` that is at most two typing mistakes from `word`, and fewer than it has letters.
    package static func nearest(to word: String, among words: [String]) -> String? {
        // Only what is about as long can be that near; a word of unknown origin may be a megabyte.
        words.filter { abs($0.utf8.count - word.utf8.count) <= 2 }
            .map { ($0, distance(Array(word.utf8), Array($0.utf8))) }
            .filter { $0.1 <= 2 && $0.1 < word.utf8.count }.min { $0.1 < $1.1 }?.0
    }

    /// Levenshtein's: insertions, deletions and replacements.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
