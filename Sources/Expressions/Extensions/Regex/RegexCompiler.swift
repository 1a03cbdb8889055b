/// Turns a pattern's tree into instructions.
struct RegexCompiler {
    private(set) var program: [RegexInstruction] = []
    private(set) var classes: [CharacterClass] = []

    mutating func compile(_ tree: RegexTree) throws(RegexError) {
        try emit(.save(0))
        try append(tree)
        try emit(.save(1))
        try emit(.match)
    }

    @discardableResult
    private mutating func emit(_ instruction: RegexInstruction) throws(RegexError) -> Int {
        guard program.count < Regex.instructionLimit else {
            throw RegexError("the pattern needs more than \(Regex.instructionLimit) steps")
        }
        program.append(instruction)
        return program.count - 1
    }

    private mutating func append(_ tree: RegexTree) throws(RegexError) {
        switch tree {
        case .empty: break
        case .one(let set):
            classes.append(set)
            try emit(.take(classes.count - 1))
        case .check(let assertion): try emit(.check(assertion))
        case .sequence(let parts): for part in parts { try append(part) }
        case .choice(let branches): try append(branches)
        case .group(let inner, let number):
            try emit(.save(number * 2))
            try append(inner)
            try emit(.save(number * 2 + 1))
        case .repetition(let inner, let least, let most, let isGreedy):
            try append(inner, least: least, most: most, isGreedy: isGreedy)
        }
    }

    private mutating func append(_ branches: [RegexTree]) throws(RegexError) {
        var ends: [Int] = []
        for (position, branch) in branches.enumerated() {
            guard position < branches.count - 1 else {
                try append(branch)
                break
            }
            let split = try emit(.split(program.count + 1, 0))
            try append(branch)
            ends.append(try emit(.jump(0)))
            program[split] = .split(split + 1, program.count)
        }
        for end in ends { program[end] = .jump(program.count) }
    }

    private mutating func append(
        _ inner: RegexTree,
        least: Int,
        most: Int?,
        isGreedy: Bool
    ) throws(RegexError) {
        for _ in 0..<least { try append(inner) }
        guard let most else {
            let split = try emit(.split(0, 0))
            try append(inner)
            try emit(.jump(split))
            program[split] = choice(split + 1, program.count, isGreedy)
            return
        }
        var splits: [Int] = []
        for _ in least..<max(least, most) {
            splits.append(try emit(.split(0, 0)))
            try append(inner)
        }
        for split in splits { program[split] = choice(split + 1, program.count, isGreedy) }
    }

    private func choice(_ inside: Int, _ after: Int, _ isGreedy: Bool) -> RegexInstruction {
        isGreedy ? .split(inside, after) : .split(after, inside)
    }
}
