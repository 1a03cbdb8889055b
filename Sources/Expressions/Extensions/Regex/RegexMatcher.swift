/// Runs a program over a text: every place of the program that can be reached goes forward together.
struct RegexMatcher {
    /// A reached place and the positions its way noted.
    private struct Thread {
        var place: Int
        var saves: [Int]
    }

    private let regex: Regex
    private let text: [Unicode.Scalar]
    private let keepsPositions: Bool
    /// The step at which a place was last reached, so that it is reached once a step.
    private var reached: [Int]
    private var step = 0
    private var stack: [Thread] = []

    init(_ regex: Regex, text: String, keepsPositions: Bool) {
        self.regex = regex
        self.text = Array(text.unicodeScalars)
        self.keepsPositions = keepsPositions
        self.reached = Array(repeating: -1, count: regex.program.count)
    }

    var scalars: [Unicode.Scalar] { text }

    /// The positions that the leftmost match noted, in code points: start and end of the whole, then of each group (-1
    /// where a group took no part).
    ///
    /// Without positions the list is empty. Nil when nothing matches.
    mutating func match(from start: Int, _ frame: inout Frame) throws(EvaluationError) -> [Int]? {
        // Reached places of this and of the next position, the preferred ones first.
        var current: [Thread] = []
        var next: [Thread] = []
        var best: [Int]?
        var position = start
        while true {
            // As long as nothing has matched, a match may also begin here: with less preference than earlier ones.
            if best == nil {
                let count = keepsPositions ? (regex.groupCount + 1) * 2 : 0
                step += 1
                for thread in current { reached[thread.place] = step }
                add(Thread(place: 0, saves: Array(repeating: -1, count: count)), at: position, to: &current)
            }
            if current.isEmpty, best != nil { return best }
            try frame.charge(current.count + 1)
            step += 1
            next.removeAll(keepingCapacity: true)
            for thread in current {
                if case .match = regex.program[thread.place] {
                    if !keepsPositions { return [] }
                    best = thread.saves
                    break
                }
                guard case .take(let set) = regex.program[thread.place], position < text.count,
                    regex.classes[set].contains(text[position].value)
                else { continue }
                var following = thread
                following.place += 1
                add(following, at: position + 1, to: &next)
            }
            if position >= text.count { return best }
            swap(&current, &next)
            position += 1
        }
    }

    /// Follows jumps, splits and checks from a place and adds the places that take a code point or match.
    private mutating func add(_ thread: Thread, at position: Int, to list: inout [Thread]) {
        stack.append(thread)
        while var thread = stack.popLast() {
            guard reached[thread.place] != step else { continue }
            reached[thread.place] = step
            switch regex.program[thread.place] {
            case .take, .match: list.append(thread)
            case .jump(let place):
                thread.place = place
                stack.append(thread)
            case .split(let first, let second):
                stack.append(Thread(place: second, saves: thread.saves))
                thread.place = first
                stack.append(thread)
            case .save(let slot):
                if slot < thread.saves.count { thread.saves[slot] = position }
                thread.place += 1
                stack.append(thread)
            case .check(let assertion):
                guard holds(assertion, at: position) else { continue }
                thread.place += 1
                stack.append(thread)
            }
        }
    }

    private func holds(_ assertion: RegexAssertion, at position: Int) -> Bool {
        switch assertion {
        case .textStart: position == 0
        case .textEnd: position == text.count
        case .lineStart: position == 0 || text[position - 1] == "\n"
        case .lineEnd: position == text.count || text[position] == "\n"
        case .wordBoundary: isWord(position - 1) != isWord(position)
        case .noWordBoundary: isWord(position - 1) == isWord(position)
        }
    }

    private func isWord(_ position: Int) -> Bool {
        guard text.indices.contains(position), text[position].isASCII else { return false }
        return UInt8(text[position].value).continuesIdentifier
    }
}
