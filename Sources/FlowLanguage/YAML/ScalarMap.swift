/// Leads from a place in a scalar's value to its place in the file.
///
/// Quotes, escapes and folded lines shift columns, so the scalar is decoded a second time, noting where each byte came
/// from. If that decoding should ever differ from the parser's, places fall back to the whole scalar.
struct ScalarMap {
    private enum Places {
        /// The value stands in the file byte for byte, from this offset.
        case verbatim(Int)
        /// For each byte of the value where it came from, and one more for the end.
        case traced([Int])
        case unknown
    }

    private let places: Places
    private let whole: Range<Int>

    init(_ scalar: YAMLScalar, range: Range<Int>, in text: SourceText) {
        whole = range
        let value = Array(scalar.text.utf8)
        let quotes = scalar.style == .singleQuoted || scalar.style == .doubleQuoted ? 1 : 0
        let from = range.lowerBound + quotes
        if scalar.style == .plain || quotes == 1, from + value.count <= text.bytes.count,
            range.count >= value.count + 2 * quotes, text.bytes[from..<from + value.count].elementsEqual(value),
            range.count == value.count + 2 * quotes
        {
            places = .verbatim(from)
            return
        }
        var decoder = ScalarDecoder(bytes: text.bytes, range: range)
        if decoder.decode(scalar.style, expecting: value) {
            places = .traced(decoder.origins + [decoder.end])
        } else {
            places = .unknown
        }
    }

    /// Whether places inside the scalar are known, not only the scalar's own.
    var isExact: Bool {
        if case .unknown = places { false } else { true }
    }

    /// The stretch of the file that the bytes `offsets` of the value came from.
    func sourceRange(_ offsets: Range<Int>) -> Range<Int> {
        switch places {
        case .verbatim(let from):
            return (from + offsets.lowerBound..<from + offsets.upperBound).clamped(to: whole)
        case .traced(let origins):
            let last = origins.count - 1
            let start = origins[min(max(offsets.lowerBound, 0), last)]
            guard offsets.upperBound > offsets.lowerBound else { return start..<start }
            let end = origins[min(max(offsets.upperBound - 1, 0), last)] + 1
            return start..<max(start, end)
        case .unknown:
            return whole
        }
    }
}

/// Decodes a scalar as YAML does, remembering where each byte of the value stood.
struct ScalarDecoder {
    private let bytes: [UInt8]
    private let range: Range<Int>
    private var index: Int
    private(set) var value: [UInt8] = []
    private(set) var origins: [Int] = []
    /// Where the last byte of the value ended.
    private(set) var end: Int

    init(bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        self.range = range.clamped(to: 0..<bytes.count)
        index = self.range.lowerBound
        end = self.range.lowerBound
    }

    /// Whether decoding gave `expected`; then `origins` has one entry for each of its bytes.
    mutating func decode(_ style: YAMLScalar.Style, expecting expected: [UInt8]) -> Bool {
        switch style {
        case .plain, .singleQuoted, .doubleQuoted:
            decodeFlow(style)
            return value == expected
        case .literal, .folded:
            let header = blockHeader()
            for indent in stride(from: header.indent, through: 0, by: -1) {
                index = header.start
                value.removeAll(keepingCapacity: true)
                origins.removeAll(keepingCapacity: true)
                decodeBlock(isLiteral: style == .literal, chomping: header.chomping, indent: indent)
                if value == expected { return true }
            }
            return false
        }
    }

    private mutating func emit(_ byte: UInt8, from origin: Int) {
        value.append(byte)
        origins.append(origin)
        end = origin + 1
    }

    private mutating func emit(scalar: UInt32, from origin: Int) {
        guard let scalar = Unicode.Scalar(scalar) else { return }
        for byte in UTF8.encode(scalar) ?? UTF8.EncodedScalar() { emit(byte, from: origin) }
    }

    private func byte(at place: Int) -> UInt8? { place < range.upperBound ? bytes[place] : nil }

    private func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }

    private func isBreak(_ byte: UInt8?) -> Bool { byte == 0x0A || byte == 0x0D }

    /// Steps over one line break.
    private mutating func skipBreak() {
        let first = byte(at: index)
        index += 1
        if first == 0x0D, byte(at: index) == 0x0A { index += 1 }
    }

    // MARK: Plain and quoted scalars

    private mutating func decodeFlow(_ style: YAMLScalar.Style) {
        let quote: UInt8? = style == .plain ? nil : bytes[index]
        if quote != nil { index += 1 }
        while let byte = byte(at: index) {
            if byte == quote {
                guard style == .singleQuoted, self.byte(at: index + 1) == quote else { break }
                emit(byte, from: index)
                index += 2
            } else if style == .doubleQuoted, byte == UInt8(ascii: "\\") {
                decodeEscape()
            } else if isBlank(byte) || isBreak(byte) {
                fold()
            } else {
                emit(byte, from: index)
                index += 1
            }
        }
    }

    /// Blanks inside a line stay; blanks around line breaks go; one break is a space, n breaks are n - 1 line feeds.
    private mutating func fold() {
        let from = index
        while isBlank(byte(at: index)) { index += 1 }
        guard isBreak(byte(at: index)) else {
            for place in from..<index { emit(bytes[place], from: place) }
            return
        }
        var breaks: [Int] = []
        while isBlank(byte(at: index)) || isBreak(byte(at: index)) {
            if isBreak(byte(at: index)) {
                breaks.append(index)
                skipBreak()
            } else {
                index += 1
            }
        }
        if breaks.count == 1 { emit(0x20, from: breaks[0]) }
        for place in breaks.dropFirst() { emit(0x0A, from: place) }
    }

    private static let escapes: [UInt8: UInt32] = [
        UInt8(ascii: "0"): 0, UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, 9: 9,
        UInt8(ascii: "n"): 10, UInt8(ascii: "v"): 11, UInt8(ascii: "f"): 12, UInt8(ascii: "r"): 13,
        UInt8(ascii: "e"): 27, UInt8(ascii: " "): 32, UInt8(ascii: "\""): 34, UInt8(ascii: "/"): 47,
        UInt8(ascii: "\\"): 92, UInt8(ascii: "N"): 0x85, UInt8(ascii: "_"): 0xA0, UInt8(ascii: "L"): 0x2028,
        UInt8(ascii: "P"): 0x2029,
    ]

    private mutating func decodeEscape() {
        let from = index
        index += 1
        guard let letter = byte(at: index) else { return }
        if isBreak(letter) {
            skipBreak()
            while isBlank(byte(at: index)) { index += 1 }
            return
        }
        index += 1
        let digits = letter == UInt8(ascii: "x") ? 2 : letter == UInt8(ascii: "u") ? 4 : 8
        if letter == UInt8(ascii: "x") || letter == UInt8(ascii: "u") || letter == UInt8(ascii: "U") {
            let text = String(decoding: bytes[index..<min(index + digits, range.upperBound)], as: UTF8.self)
            index = min(index + digits, range.upperBound)
            emit(scalar: UInt32(text, radix: 16) ?? 0xFFFD, from: from)
        } else {
            emit(scalar: Self.escapes[letter] ?? 0xFFFD, from: from)
        }
    }

    // MARK: Block scalars

    private enum Chomping { case strip, clip, keep }

    /// Reads `|2-` and the like, and finds the indentation of the first line that holds something.
    private mutating func blockHeader() -> (start: Int, indent: Int, chomping: Chomping) {
        var chomping = Chomping.clip
        while let byte = byte(at: index), !isBreak(byte) {
            if byte == UInt8(ascii: "#") {
                while let byte = self.byte(at: index), !isBreak(byte) { index += 1 }
                break
            }
            if byte == UInt8(ascii: "-") { chomping = .strip }
            if byte == UInt8(ascii: "+") { chomping = .keep }
            index += 1
        }
        if isBreak(byte(at: index)) { skipBreak() }
        let start = index
        var indent = 0
        var longest = 0
        while let byte = byte(at: index) {
            if byte == 0x20 {
                indent += 1
                index += 1
            } else if isBreak(byte) {
                longest = max(longest, indent)
                indent = 0
                skipBreak()
            } else {
                return (start, indent, chomping)
            }
        }
        return (start, max(longest, indent), chomping)
    }

    /// Skips indentation and empty lines; gives the places of the breaks.
    private mutating func blockBreaks(indent: Int) -> [Int] {
        var breaks: [Int] = []
        while true {
            var column = 0
            while column < indent, byte(at: index) == 0x20 {
                column += 1
                index += 1
            }
            guard isBreak(byte(at: index)) else { return breaks }
            breaks.append(index)
            skipBreak()
        }
    }

    private func column(of place: Int) -> Int {
        var start = place
        while start > 0, !isBreak(bytes[start - 1]) { start -= 1 }
        return place - start
    }

    private mutating func decodeBlock(isLiteral: Bool, chomping: Chomping, indent: Int) {
        var leading: Int?
        var leadingBlank = false
        var trailing = blockBreaks(indent: indent)
        while index < range.upperBound, column(of: index) == indent {
            let blank = isBlank(byte(at: index))
            if !isLiteral, let place = leading, !leadingBlank, !blank {
                if trailing.isEmpty { emit(0x20, from: place) }
            } else if let place = leading {
                emit(0x0A, from: place)
            }
            leading = nil
            for place in trailing { emit(0x0A, from: place) }
            leadingBlank = blank
            while let byte = byte(at: index), !isBreak(byte) {
                emit(byte, from: index)
                index += 1
            }
            guard index < range.upperBound else { return }
            leading = index
            skipBreak()
            trailing = blockBreaks(indent: indent)
        }
        if chomping != .strip, let place = leading { emit(0x0A, from: place) }
        if chomping == .keep { for place in trailing { emit(0x0A, from: place) } }
    }
}
