import Expressions
import FlowEngine

/// An object of a capsule's line, read strictly: what is missing or of another kind is an error with its line.
struct CapsuleForm {
    let map: ValueMap
    let line: Int

    init(_ value: Value, line: Int) throws(CapsuleError) {
        guard let map = value.mapValue else {
            throw CapsuleError(.malformed, line: line, "an object is expected, not \(value.kindName)")
        }
        self.map = map
        self.line = line
    }

    subscript(name: String) -> Value? { map[name] }

    func error(_ message: String) -> CapsuleError { CapsuleError(.malformed, line: line, message) }

    private func wrong(_ name: String, _ kind: String) -> CapsuleError {
        guard let value = map[name] else { return error("'\(name)' is missing") }
        return error("'\(name)' must be \(kind), is \(value.kindName)")
    }

    func text(_ name: String) throws(CapsuleError) -> String {
        guard let text = map[name]?.stringValue else { throw wrong(name, "a string") }
        return text
    }

    func int(_ name: String) throws(CapsuleError) -> Int64 {
        guard let number = map[name]?.intValue else { throw wrong(name, "an int") }
        return number
    }

    func count(_ name: String) throws(CapsuleError) -> Int {
        guard let count = Int(exactly: try int(name)), (0...1_000_000_000).contains(count) else {
            throw error("'\(name)' is out of bounds")
        }
        return count
    }

    func time(_ name: String) throws(CapsuleError) -> Timestamp {
        guard let time = map[name]?.timestampValue else { throw wrong(name, "a timestamp") }
        return time
    }

    func map(_ name: String) throws(CapsuleError) -> ValueMap {
        guard let map = map[name]?.mapValue else { throw wrong(name, "an object") }
        return map
    }

    func form(_ name: String) throws(CapsuleError) -> CapsuleForm {
        try CapsuleForm(.map(try map(name)), line: line)
    }

    func word<Word: RawRepresentable<String>>(_ name: String) throws(CapsuleError) -> Word {
        guard let word = Word(rawValue: try text(name)) else { throw error("'\(name)' is an unknown word") }
        return word
    }

    func texts(_ name: String) throws(CapsuleError) -> [String] {
        guard let list = map[name]?.listValue else { throw wrong(name, "a list") }
        let texts = list.compactMap(\.stringValue)
        guard texts.count == list.count else { throw error("'\(name)' must hold strings alone") }
        return texts
    }

    /// The steps of `trace`, which is left out when there are none.
    func trace() throws(CapsuleError) -> [TraceStep] {
        guard let value = map["trace"] else { return [] }
        guard let list = value.listValue else { throw wrong("trace", "a list") }
        var steps: [TraceStep] = []
        for step in list { steps.append(try TraceStep(try CapsuleForm(step, line: line))) }
        return steps
    }

    // MARK: What may be left out

    private func isThere(_ name: String) -> Bool { map[name].map { !$0.isNull } ?? false }

    func optionalText(_ name: String) throws(CapsuleError) -> String? { isThere(name) ? try text(name) : nil }
    func optionalCount(_ name: String) throws(CapsuleError) -> Int? { isThere(name) ? try count(name) : nil }
    func optionalTime(_ name: String) throws(CapsuleError) -> Timestamp? { isThere(name) ? try time(name) : nil }
    func optionalForm(_ name: String) throws(CapsuleError) -> CapsuleForm? { isThere(name) ? try form(name) : nil }
}
