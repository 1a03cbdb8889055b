import Foundation
import Testing

@testable import StripeSimulator

/// The scenarios of stripe-cli's `trigger`: their steps run, and the event each names is emitted.
@Suite("stripe-cli triggers", .enabled(if: SharedData.isThere)) struct TriggerTests {
    @Test("scenarios made of core operations run and emit their event")
    func triggers() throws {
        let index = try #require(SharedData.json("cli-triggers-index.json")?.object?.array("triggers"))
        let types = try #require(SharedData.json("event-types.json"))
        let known = Set(Self.texts(in: types))
        var failed: [String] = []
        var count = 0
        for trigger in index.compactMap(\.object) where trigger.bool("all_core") == true {
            guard let file = trigger.string("file"), let steps = SharedData.json("cli-triggers/\(file)")?.object else {
                continue
            }
            count += 1
            // Three scenarios are named after no event of Stripe's: they have to run.
            let events = (trigger.array("events") ?? []).compactMap(\.string).filter(known.contains)
            if let failure = Self.play(steps, events: events) { failed.append("\(file): \(failure)") }
        }
        print("triggers: \(count - failed.count) of \(count)")
        for line in failed { print("  \(line)") }
        #expect(Double(count - failed.count) >= 0.95 * Double(count), "\(failed.joined(separator: "\n"))")
    }

    private static func texts(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(texts)
        case .object(let object): object.members.flatMap { [$0.key] + texts(in: $0.value) }
        default: []
        }
    }

    /// Answers what went wrong, or nil.
    private static func play(_ scenario: JSONObject, events: [String]) -> String? {
        var desk = Desk()
        var answers: [String: JSONObject] = [:]
        for step in (scenario.array("fixtures") ?? []).compactMap(\.object) {
            let name = step.string("name") ?? ""
            let path = substitute(step.string("path") ?? "", answers)
            let method = (step.string("method") ?? "get").uppercased()
            let form = encode(step["params"] ?? [:], answers).joined(separator: "&")
            let answer = desk.call(method, path, form)
            answers[name] = answer
            let expected = step.string("expected_error_type")
            if desk.last.status != 200, expected == nil || answer.errorType != expected {
                return "\(name): \(desk.last.status) \(answer.errorMessage ?? "")"
            }
        }
        desk.advance(seconds: 20)
        let seen = Set(desk.events)
        let missing = events.filter { !seen.contains($0) }
        return missing.isEmpty ? nil : "no \(missing.joined(separator: ", "))"
    }

    /// Replaces `${step:path|default}`, `${.env:X}` and the like.
    private static func substitute(_ text: String, _ answers: [String: JSONObject]) -> String {
        guard let start = text.range(of: "${"), let end = text.range(of: "}", range: start.upperBound..<text.endIndex)
        else { return text }
        let query = text[start.upperBound..<end.lowerBound].split(separator: "|", maxSplits: 1)
        let parts = query[0].split(separator: ":", maxSplits: 1).map(String.init)
        var value: JSONValue?
        if parts.count == 2, let answer = answers[parts[0]] {
            value = .object(answer)
            for key in parts[1].split(separator: ".") {
                if let index = Int(key) {
                    value = value?.array?[safe: index]
                } else {
                    value = value?.object?[String(key)]
                }
            }
        }
        let found = value?.string ?? value?.int.map { String($0) } ?? (query.count > 1 ? String(query[1]) : "")
        let rest = substitute(String(text[end.upperBound...]), answers)
        return text[..<start.lowerBound] + found + rest
    }

    private static func encode(_ value: JSONValue, _ answers: [String: JSONObject], _ name: String = "") -> [String] {
        switch value {
        case .object(let object):
            return object.members.flatMap { encode($0.value, answers, name.isEmpty ? $0.key : "\(name)[\($0.key)]") }
        case .array(let elements):
            return elements.enumerated().flatMap { encode($0.element, answers, "\(name)[\($0.offset)]") }
        case .string(let text):
            let plain = substitute(text, answers)
            return [name + "=" + (plain.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")]
        case .int(let number): return ["\(name)=\(number)"]
        case .double(let number): return ["\(name)=\(number)"]
        case .bool(let flag): return ["\(name)=\(flag)"]
        case .null: return ["\(name)="]
        }
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
