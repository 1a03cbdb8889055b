/// The simulator's only source of chance: the same seed and the same calls give the same ids.
///
/// SplitMix64 (Steele, Lea, Flood 2014): enough for ids that must differ, not for secrets that must hold.
struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
    private(set) var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Leads to another sequence, which follows from this one and a value; 0 leaves it as it is.
    mutating func stir(_ value: UInt64) {
        guard value != 0 else { return }
        var other = SeededGenerator(seed: value)
        state ^= other.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The digits of ids.
    static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    mutating func characters(_ count: Int) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(count)
        var bits = next()
        for index in 0..<count {
            if index % 8 == 7 { bits = next() }
            text.append(Self.alphabet[Int(bits % 62)])
            bits /= 62
        }
        return String(decoding: text, as: UTF8.self)
    }

    mutating func digits(_ count: Int) -> String {
        String((0..<count).map { _ in Character(Unicode.Scalar(UInt8(0x30 + next() % 10))) })
    }
}
