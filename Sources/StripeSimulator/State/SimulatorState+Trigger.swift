// `trigger`: makes an event happen by the calls that lead to it, as stripe-cli's command of that name does.
extension SimulatorState {
    /// Runs the scenario of an event, with further or other parameters for a step.
    ///
    /// `event` names it; `override` and `add` hold `step:path=value`, `remove` holds `step:path`, as the switches of
    /// `stripe trigger` do. A path is a parameter's name, its inner names after dots (or in brackets, as in a form).
    /// Without `step:` the last step is meant. Answers the ids the steps made.
    mutating func trigger(_ parameters: JSONObject) throws(ControlError) -> JSONObject {
        guard let scenario = parameters.string("event").flatMap(TriggerScenario.named) else {
            let known = TriggerScenario.names.joined(separator: ", ")
            throw ControlError(status: 400, message: "`event` is one of: \(known).")
        }
        let changes = try TriggerChanges(parameters, of: scenario)
        var ids: [String: String] = [:]
        var made: [JSONValue] = []
        for step in scenario.steps {
            settle()  // what is due at once happens between the calls, as it does between a caller's
            let object = try carryOut(step, changes.applied(to: step), ids)
            let listed = object.array("data")?.first?.object
            ids[step.name] = listed?.id ?? object.id
            if !object.id.isEmpty { made.append(["id": .string(object.id), "step": .string(step.name)]) }
        }
        settle()
        return ["made": .array(made)]
    }

    private mutating func carryOut(
        _ step: TriggerScenario.Step,
        _ form: [String],
        _ ids: [String: String]
    ) throws(ControlError) -> JSONObject {
        var (path, text) = (step.path, form.joined(separator: "&"))
        for (name, id) in ids {
            path = path.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: id)
            text = text.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: id)
        }
        var request = SimulatorRequest(method: step.method, path: path)
        request.headers = [("authorization", "Bearer sk_test_trigger")]
        if step.method == "POST" { request.body = Array(text.utf8) } else { request.query = Array(text.utf8) }
        let answer = carryOut(request, delay: 0)
        let object = (try? JSONParser.value(of: answer.body))?.object ?? JSONObject()  // it printed this itself
        if answer.status == 200 { return object }
        let error = object.object("error")
        // A decline is what some scenarios are for; the object that it left is in the error.
        guard answer.status == 402 else {
            throw ControlError(status: 400, message: "\(step.name): \(error?.string("message") ?? "")")
        }
        return error?.object("payment_intent") ?? error?.object("setup_intent") ?? JSONObject()
    }
}

/// What `override`, `add` and `remove` ask for, by step.
private struct TriggerChanges {
    private var removed: [String: [String]] = [:]
    private var set: [String: [(name: String, value: String)]] = [:]

    init(_ parameters: JSONObject, of scenario: TriggerScenario) throws(SimulatorState.ControlError) {
        for text in Self.texts(parameters["remove"]) {
            let (step, path) = try Self.place(text, in: scenario)
            removed[step, default: []].append(Self.formName(path))
        }
        for text in Self.texts(parameters["override"]) + Self.texts(parameters["add"]) {
            guard let mark = text.firstIndex(of: "=") else {
                throw SimulatorState.ControlError(status: 400, message: "'\(text.prefix(100))' has no `=value`.")
            }
            let (step, path) = try Self.place(String(text[..<mark]), in: scenario)
            set[step, default: []].append((Self.formName(path), String(text[text.index(after: mark)...])))
        }
    }

    /// The step's parameters, each `name=value` and escaped where a change brought it.
    func applied(to step: TriggerScenario.Step) -> [String] {
        var form = step.form.split(separator: "&").map(String.init)
        for name in removed[step.name] ?? [] { form.removeAll { Self.isAt(name, $0) } }
        for (name, value) in set[step.name] ?? [] {
            // The same list parameter may be given more than once.
            if !name.hasSuffix("[]") { form.removeAll { Self.isAt(name, $0) } }
            form.append("\(Self.escaped(name))=\(Self.escaped(value))")
        }
        return form
    }

    /// Whether a parameter is the named one, or an inner one of it.
    private static func isAt(_ name: String, _ pair: String) -> Bool {
        pair.hasPrefix(escaped(name) + "=") || pair.hasPrefix(escaped(name) + "[") || pair.hasPrefix(name + "=")
    }

    private static func place(
        _ text: String,
        in scenario: TriggerScenario
    ) throws(SimulatorState.ControlError) -> (step: String, path: Substring) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let step = parts.count == 2 ? String(parts[0]) : scenario.steps.last?.name ?? ""
        let path = parts[parts.count - 1]
        let names = scenario.steps.map(\.name)
        guard names.contains(step), !path.isEmpty else {
            let message = "'\(text.prefix(100))' is no step and path; the steps are \(names.joined(separator: ", "))."
            throw SimulatorState.ControlError(status: 400, message: message)
        }
        return (step, path)
    }

    /// `recurring.interval` as a form writes it: `recurring[interval]`.
    private static func formName(_ path: Substring) -> String {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false)
        return parts[0] + parts.dropFirst().map { "[\($0)]" }.joined()
    }

    /// Percent-escapes everything but letters, digits, `_`, `-`, the brackets of names and the braces of ids.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: result.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "["), UInt8(ascii: "]"),
                UInt8(ascii: "{"), UInt8(ascii: "}"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        switch value {
        case .some(.string(let text)): [text]
        case .some(.array(let elements)): elements.compactMap(\.string)
        default: []
        }
    }
}
