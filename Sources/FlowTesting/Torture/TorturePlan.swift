import FlowLanguage

/// Which histories are played, in which order: all single disturbances, then pairs drawn by the seed, none twice.
struct TorturePlan: Sendable {
    private(set) var singles: [Disturbance]
    private var generator: SeededGenerator
    private var position = 0
    private var drawn: Set<Pair> = []

    private struct Pair: Hashable {
        var first: Int
        var second: Int
    }

    /// Events of which every pair is brought together; of more, the pairs that lie near each other.
    private static let pairDistance = 12

    init(_ course: CaseCourse, seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        singles = Self.singles(course)
        // Mixed, so that a small budget meets each kind; by the seed, so that another seed meets others.
        singles.shuffle(using: &generator)
    }

    /// Single disturbances that are still to come.
    var singlesLeft: Int { singles.count - position }
    /// Pairs that there are.
    var pairs: Int { singles.count * (singles.count - 1) / 2 }

    /// Nil: every single disturbance and every pair was played.
    mutating func next() -> [Disturbance]? {
        if position < singles.count {
            defer { position += 1 }
            return [singles[position]]
        }
        while drawn.count < pairs {
            let one = Int.random(below: singles.count, using: &generator)
            let other = Int.random(below: singles.count, using: &generator)
            guard one != other, drawn.insert(Pair(first: min(one, other), second: max(one, other))).inserted else {
                continue
            }
            return [singles[one], singles[other]]
        }
        return nil
    }

    static func singles(_ course: CaseCourse) -> [Disturbance] {
        var singles: [Disturbance] = []
        for (index, event) in course.events.enumerated() {
            singles += [.twice(event), .late(event, by: 0)]
            let later = course.events.count - index - 1
            singles += (1...3).filter { $0 <= later }.map { .late(event, by: $0) }
            for partner in course.events.dropFirst(index + 1).prefix(pairDistance) {
                singles.append(.together(event, with: partner))
                singles.append(.together(event, with: partner, isInterleaved: true))
            }
        }
        for number in course.requests.indices {
            singles += Trouble.allCases.map { .trouble(request: number + 1, $0) }
        }
        for write in course.writes {
            singles += [.kill(write: write, isDurable: false), .kill(write: write, isDurable: true)]
        }
        return singles
    }
}

extension Int {
    /// A number from the generator; bounded by a remainder, whose slight unevenness does not matter here.
    fileprivate static func random(below bound: Int, using generator: inout SeededGenerator) -> Int {
        Int(generator.next() % UInt64(Swift.max(1, bound)))
    }
}

/// What a disturbed history must still keep.
struct Verdict {
    private let mustKeepCourse: Bool
    /// What may happen once only was disturbed: an e-mail may not have been sent, rightly so.
    private let mayMissEmails: Bool

    /// - Parameters:
    ///   - history: The disturbances.
    ///   - course: Of the quiet run.
    init(_ history: [Disturbance], _ course: CaseCourse) {
        // What may happen once and met a crash waits for a person: rightly so.
        let isRepeatable = !course.requests.contains(.once)
        mayMissEmails = history.contains { disturbance in
            switch disturbance {
            case .kill: !isRepeatable
            case .trouble(let number, _):
                course.requests.indices.contains(number - 1) && course.requests[number - 1] == .once
            case .twice, .late, .together: false
            }
        }
        mustKeepCourse = history.allSatisfy { disturbance in
            switch disturbance {
            case .twice: true
            case .kill: isRepeatable
            case .trouble(let number, let trouble):
                switch trouble {
                case .unreachable, .timeout, .lost, .error:
                    course.requests.indices.contains(number - 1) && course.requests[number - 1] != .once
                case .decline, .slow: false
                }
            case .late, .together: false
            }
        }
    }

    /// The problem that shows a mistake of the app; nil: it held.
    ///
    /// Invariants hold in every history. What the case expects holds wherever its story took its course; a decline or
    /// a late event may lead it elsewhere, but doubles, crashes and lost answers may not.
    func breach(in outcome: CaseOutcome) -> CaseProblem? {
        let broken = outcome.problems.first { $0.kind == .invariant || $0.kind == .error }
        if let broken { return broken }
        guard mustKeepCourse || !outcome.hasLeftItsCourse else { return nil }
        return outcome.problems.first { !mayMissEmails || !$0.subject.contains("emails") }
    }
}
