/// What an operation takes: read from a compact notation, one line an operation.
///
/// `amount:i! customer:s card{number:s exp_month:i} items[]{price:s}? reason:duplicate|fraudulent`
///
/// | letter | a value of it |
/// | --- | --- |
/// | `s` `i` `b` `n` | text, integer, boolean, integer or word |
/// | `a` `m` `r` `*` | list of texts, metadata, range of time, anything |
///
/// `!` must be there, `?` may be unset with an empty text.
struct ParameterList: Sendable {
    indirect enum Shape: Sendable {
        case string, integer, boolean, integerOrWord, strings, metadata, range, anything
        case choice([String])
        case hash(ParameterList)
        case list(ParameterList)
    }

    struct Field: Sendable {
        let name: String
        let shape: Shape
        let isRequired: Bool
        let isEmptyable: Bool
    }

    private(set) var fields: [String: Field] = [:]
    private(set) var required: [String] = []

    /// Reads the notation; a mistake in it is a programmer's.
    init(_ notation: String) {
        var text = Array(notation.utf8)[...]
        self.init(&text)
        precondition(text.isEmpty, "parameter notation: \(notation)")
    }

    private init(_ text: inout ArraySlice<UInt8>) {
        while let byte = text.first, byte != UInt8(ascii: "}") {
            guard byte != UInt8(ascii: " "), byte != UInt8(ascii: "\n") else {
                text.removeFirst()
                continue
            }
            let field = Self.field(&text)
            fields[field.name] = field
            if field.isRequired { required.append(field.name) }
        }
    }

    private static func word(_ text: inout ArraySlice<UInt8>) -> String {
        let end = text.firstIndex { " \n:{}[]!?".utf8.contains($0) } ?? text.endIndex
        defer { text = text[end...] }
        return String(decoding: text[..<end], as: UTF8.self)
    }

    private static func take(_ byte: UInt8, _ text: inout ArraySlice<UInt8>) -> Bool {
        guard text.first == byte else { return false }
        text.removeFirst()
        return true
    }

    private static func field(_ text: inout ArraySlice<UInt8>) -> Field {
        let name = word(&text)
        let shape: Shape
        if take(UInt8(ascii: ":"), &text) {
            shape = simple(word(&text))
        } else {
            let isList = take(UInt8(ascii: "["), &text) && take(UInt8(ascii: "]"), &text)
            precondition(take(UInt8(ascii: "{"), &text), "parameter notation at \(name)")
            let inner = ParameterList(&text)
            precondition(take(UInt8(ascii: "}"), &text), "parameter notation at \(name)")
            shape = isList ? .list(inner) : .hash(inner)
        }
        let isRequired = take(UInt8(ascii: "!"), &text)
        let isEmptyable = take(UInt8(ascii: "?"), &text)
        return Field(name: name, shape: shape, isRequired: isRequired, isEmptyable: isEmptyable)
    }

    private static func simple(_ word: String) -> Shape {
        switch word {
        case "s": .string
        case "i": .integer
        case "b": .boolean
        case "n": .integerOrWord
        case "a": .strings
        case "m": .metadata
        case "r": .range
        case "*": .anything
        default: .choice(word.split(separator: "|").map(String.init))
        }
    }

    /// The list with further fields, written in the same notation.
    func adding(_ notation: String) -> ParameterList {
        var result = self
        let more = ParameterList(notation)
        result.fields.merge(more.fields) { own, _ in own }
        return result
    }
}
