/// Finds the name that was likely meant.
enum NearestName {
    /// The candidate at the smallest edit distance from `name`, or nil when none is near enough to be likely.
    ///
    /// Near enough is a third of the name's length, at least one edit (a swap of neighbours counts as one), or a
    /// difference in case and separators alone. Names longer than 64 scalars are not compared.
    static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.unicodeScalars)
        guard !wanted.isEmpty, wanted.count <= 64 else { return nil }
        let allowed = max(1, (wanted.count + 1) / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let other = Array(candidate.unicodeScalars)
            guard other.count <= 64 else { continue }
            if folded(name) == folded(candidate) { return candidate }
            let distance = distance(wanted, other)
            guard distance <= allowed, distance < other.count else { continue }
            if let current = best, (current.distance, current.name) <= (distance, candidate) { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    /// The note "did you mean …", or none.
    static func note(_ name: String, among candidates: some Sequence<String>) -> [String] {
        of(name, among: candidates).map { ["did you mean '\($0)'?"] } ?? []
    }

    private static func folded(_ name: String) -> String {
        name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
    }

    /// Edits (insert, delete, replace, swap of neighbours) between two names.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for i in 1...left.count {
            var row = [Int](repeating: 0, count: right.count + 1)
            row[0] = i
            for j in stride(from: 1, through: right.count, by: 1) {
                let same = left[i - 1] == right[j - 1]
                row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            beforeLast = last
            last = row
        }
        return last[right.count]
    }
}
