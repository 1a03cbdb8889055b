/// A regular expression of RE2's syntax, matched in time linear in the text: all alternatives go forward together, one
/// code point at a time, and none is ever taken back.
///
/// Not supported: scripts (`\p{Greek}`), `\C`. Back references and look-around do not exist in RE2.
struct Regex: Sendable {
    let program: [RegexInstruction]
    let classes: [CharacterClass]
    /// Groups that capture, the whole match not counted.
    let groupCount: Int

    /// The greatest number of instructions of a program.
    static let instructionLimit = 10_000
    /// The greatest number of bytes of a pattern.
    static let patternLimit = 4096

    /// - Throws: `RegexError` that says what is wrong with the pattern, or that it is too large.
    static func compile(_ pattern: String) throws(RegexError) -> Regex {
        guard pattern.utf8.count <= patternLimit else {
            throw RegexError("the pattern has more than \(patternLimit) bytes")
        }
        var parser = RegexParser(pattern)
        let tree = try parser.parse()
        var compiler = RegexCompiler()
        try compiler.compile(tree)
        return Regex(program: compiler.program, classes: compiler.classes, groupCount: parser.groupCount)
    }
}

/// Why a pattern was refused.
struct RegexError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

enum RegexInstruction: Sendable {
    /// Takes one code point of the class.
    case take(Int)
    /// Goes on at both places, the first one preferred.
    case split(Int, Int)
    case jump(Int)
    /// Notes the position in a capture slot.
    case save(Int)
    case check(RegexAssertion)
    case match
}

enum RegexAssertion: Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
}

/// The parsed form of a pattern.
indirect enum RegexTree: Sendable {
    case empty
    case one(CharacterClass)
    case check(RegexAssertion)
    case sequence([RegexTree])
    case choice([RegexTree])
    case repetition(RegexTree, least: Int, most: Int?, isGreedy: Bool)
    case group(RegexTree, number: Int)
}

/// A set of code points.
struct CharacterClass: Sendable {
    private var ranges: [ClosedRange<UInt32>] = []
    /// Sets of which only what is outside them belongs to the class: `\W`, `[:^alpha:]`.
    private var complements: [[ClosedRange<UInt32>]] = []
    /// Unicode general categories, each with whether those outside it are meant.
    private var categories: [(category: String, isNegated: Bool)] = []
    private var isNegated = false
    private var ignoresCase = false
    /// The answers for ASCII, in two words.
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }
    mutating func insert(complementOf ranges: [ClosedRange<UInt32>]) { complements.append(ranges) }
    mutating func insert(category: String, isNegated: Bool) { categories.append((category, isNegated)) }
    mutating func insert(_ other: CharacterClass) {
        ranges += other.ranges
        complements += other.complements
        categories += other.categories
    }

    /// The class is complete: the answers for ASCII are computed.
    func finished(isNegated: Bool, ignoresCase: Bool) -> CharacterClass {
        var copy = self
        copy.isNegated = isNegated
        copy.ignoresCase = ignoresCase
        copy.low = 0
        copy.high = 0
        for code in 0..<128 as Range<UInt32> where copy.answer(for: code) {
            if code < 64 { copy.low |= 1 << UInt64(code) } else { copy.high |= 1 << UInt64(code - 64) }
        }
        return copy
    }

    func contains(_ code: UInt32) -> Bool {
        if code < 64 { return low >> UInt64(code) & 1 == 1 }
        if code < 128 { return high >> UInt64(code - 64) & 1 == 1 }
        return answer(for: code)
    }

    /// With letters of both cases a negated set is the complement of what any case of a letter belongs to.
    private func answer(for code: UInt32) -> Bool {
        var codes = [code]
        if ignoresCase, let scalar = Unicode.Scalar(code) { codes += Self.variants(of: scalar) }
        let isInside =
            Self.holds(ranges, codes) || complements.contains { !Self.holds($0, codes) }
            || categories.contains { wanted in
                codes.contains { Self.belongs($0, to: wanted.category) } != wanted.isNegated
            }
        return isInside != isNegated
    }

    private static func holds(_ ranges: [ClosedRange<UInt32>], _ codes: [UInt32]) -> Bool {
        ranges.contains { range in codes.contains { range.contains($0) } }
    }

    private static func belongs(_ code: UInt32, to category: String) -> Bool {
        guard category != "Any", let scalar = Unicode.Scalar(code) else { return category == "Any" }
        return scalar.properties.generalCategory.shortName.hasPrefix(category)
    }

    /// The other cases of a letter; `k` also has the Kelvin sign, `s` the long s.
    private static func variants(of scalar: Unicode.Scalar) -> [UInt32] {
        var variants: [UInt32] = []
        for text in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
            guard text.unicodeScalars.count == 1, let variant = text.unicodeScalars.first else { continue }
            variants.append(variant.value)
            let lower = variant.properties.lowercaseMapping.unicodeScalars
            if lower.count == 1, let lower = lower.first { variants.append(lower.value) }
        }
        switch scalar {
        case "k", "K": variants.append(0x212A)
        case "s", "S": variants.append(0x17F)
        case "å", "Å": variants.append(0x212B)
        default: break
        }
        return variants
    }
}

extension Unicode.GeneralCategory {
    fileprivate var shortName: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
