/// Merges two changed versions of one text, line by line: what only one side changed is taken, what both changed
/// differently is a conflict.
struct TextMerge {
    /// A place that both sides changed, in different ways.
    struct Conflict: Hashable {
        /// Counts from 1, in the builder's text.
        var line: Int
        var mine: [String]
        var theirs: [String]
    }

    /// The merged text; where there is a conflict, the builder's lines stand.
    let text: String
    let conflicts: [Conflict]

    /// Beyond this many lines nothing is compared: a flow file has far fewer.
    private static let linesMax = 5_000

    /// - Parameters:
    ///   - base: what both started from.
    ///   - mine: the builder's text.
    ///   - theirs: the new template.
    init(base: String, mine: String, theirs: String) {
        let (base, mine, theirs) = (Self.lines(base), Self.lines(mine), Self.lines(theirs))
        guard max(base.count, mine.count, theirs.count) <= Self.linesMax else {
            text = mine.joined(separator: "\n")
            conflicts = [Conflict(line: 1, mine: [], theirs: [])]
            return
        }
        let toMine = Self.matches(base, mine)
        let toTheirs = Self.matches(base, theirs)
        var merged: [String] = []
        var conflicts: [Conflict] = []
        var place = (base: 0, mine: 0, theirs: 0)
        // Between two lines that all three share lies a region; each is decided by itself.
        for anchor in 0...base.count {
            let end: (base: Int, mine: Int, theirs: Int)
            if anchor == base.count {
                end = (base.count, mine.count, theirs.count)
            } else {
                guard let inMine = toMine[anchor], let inTheirs = toTheirs[anchor] else { continue }
                end = (anchor, inMine, inTheirs)
            }
            let old = Array(base[place.base..<end.base])
            let own = Array(mine[place.mine..<end.mine])
            let new = Array(theirs[place.theirs..<end.theirs])
            if own == old || own == new {
                merged += new
            } else {
                if new != old { conflicts.append(Conflict(line: place.mine + 1, mine: own, theirs: new)) }
                merged += own
            }
            if anchor < base.count { merged.append(base[anchor]) }
            place = (end.base + 1, end.mine + 1, end.theirs + 1)
        }
        text = merged.joined(separator: "\n")
        self.conflicts = conflicts
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// For each line of `old` its place in `new`, where it is kept: increasing, as many as possible.
    private static func matches(_ old: [String], _ new: [String]) -> [Int?] {
        var matches = [Int?](repeating: nil, count: old.count)
        let difference = new.difference(from: old)
        let removed = Set(difference.removals.map(Self.offset))
        let inserted = Set(difference.insertions.map(Self.offset))
        var place = 0
        for line in old.indices where !removed.contains(line) {
            while inserted.contains(place) { place += 1 }
            matches[line] = place
            place += 1
        }
        return matches
    }

    private static func offset(_ change: CollectionDifference<String>.Change) -> Int {
        switch change {
        case .insert(let offset, _, _), .remove(let offset, _, _): offset
        }
    }
}
