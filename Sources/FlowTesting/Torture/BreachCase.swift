import Capsules
package import FlowLanguage

/// A history that breaks a case, written as a case file that shows it again: `runnel test` fails on it until it is mended.
package struct BreachCase: Sendable {
    private let breach: Torture.Breach
    private let sources: [SourceFile]
    private let seed: UInt64

    package init(_ breach: Torture.Breach, sources: [SourceFile], seed: UInt64) {
        self.breach = breach
        self.sources = sources
        self.seed = seed
    }

    package var text: String {
        let test = breach.test
        var text = "# Found by `runnel torture --seed \(seed)`: \(breach.story).\n"
        text +=
            "# \(breach.problem.subject): expected \(breach.problem.expected), is \(breach.problem.actual.cut(200)).\n"
        if let given = test.parts.sharedGiven { text += "given:" + part(given, indent: 2) }
        text += "cases:\n"
        text += "  - case: \(YAMLText.scalar(test.name + ", disturbed"))\n"
        if let given = test.parts.given { text += "    given:" + part(given, indent: 6) }
        text += "    steps:\n"
        for step in test.steps { text += "      - " + slice(step.extent, indent: 8) + "\n" }
        if let expect = test.parts.expect { text += "    expect:" + part(expect, indent: 6) }
        text += "    disturb:\n"
        for disturbance in breach.disturbances { text += "      - \(disturbance.yaml)\n" }
        return text
    }

    /// A mapping's value: below its key when it is written in lines, beside it when it is written in braces.
    private func part(_ range: SourceRange, indent: Int) -> String {
        let text = slice(range, indent: indent)
        if text.hasPrefix("{") || text.hasPrefix("[") { return " \(text)\n" }
        return "\n" + String(repeating: " ", count: indent) + text + "\n"
    }

    /// What stands in the file, its further lines moved to begin in another column.
    private func slice(_ range: SourceRange, indent: Int) -> String {
        guard let source = sources.first(where: { $0.path == range.file }) else { return "" }
        let bytes = source.bytes[range.start.offset..<min(range.end.offset, source.bytes.count)]
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let margin = String(repeating: " ", count: indent)
        let moved = lines.enumerated().map { number, line -> String in
            guard number > 0 else { return String(line) }
            let spaces = line.prefix { $0 == " " }.count
            let rest = line.dropFirst(min(spaces, range.start.column - 1))
            return rest.isEmpty ? "" : margin + rest
        }
        return moved.joined(separator: "\n").trimmedAtEnd
    }
}

extension Torture.Breach {
    /// What happens, in a sentence.
    package var story: String { disturbances.map(\.story).joined(separator: "; ") }
}

extension Disturbance {
    /// In words.
    package var story: String {
        switch self {
        case .twice(let event): "\(event) is delivered twice"
        case .late(let event, by: 0): "\(event) is delivered after everything else"
        case .late(let event, let by): "\(event) is delivered after \(by) later one\(by == 1 ? "" : "s")"
        case .together(let event, let partner, let isInterleaved):
            "\(event) and \(partner) are delivered in one moment"
                + (isInterleaved ? ", and their runs take turns block by block" : "")
        case .trouble(let request, let trouble):
            switch trouble {
            case .unreachable: "request \(request) finds no connection"
            case .timeout: "request \(request) is not carried out and gets no answer"
            case .lost: "request \(request) is carried out and its answer is lost"
            case .error: "request \(request) is answered with 500"
            case .decline: "request \(request) is declined"
            case .slow: "the answer to request \(request) comes after everything else"
            }
        case .kill(let write, let isDurable):
            "the process dies \(isDurable ? "right after" : "before") write \(write) \(isDurable ? "" : "is on disk")"
                .trimmedAtEnd
        }
    }

    /// As a case file has it.
    var yaml: String {
        switch self {
        case .twice(let event): "{ twice: \(event.type)\(event.numberText("number")) }"
        case .late(let event, let by): "{ late: \(event.type)\(event.numberText("number")), by: \(by) }"
        case .together(let event, let partner, let isInterleaved):
            "{ together: \(event.type)\(event.numberText("number")), with: \(partner.type)"
                + "\(partner.numberText("withNumber"))\(isInterleaved ? ", interleaved: true" : "") }"
        case .trouble(let request, let trouble): "{ request: \(request), meets: \(trouble.rawValue) }"
        case .kill(let write, let isDurable): "{ kill: \(write), durable: \(isDurable) }"
        }
    }
}

extension CaseEvent: CustomStringConvertible {
    package var description: String { number == 1 ? type : "\(type) (number \(number))" }

    fileprivate func numberText(_ key: String) -> String { number == 1 ? "" : ", \(key): \(number)" }
}

extension String {
    var trimmedAtEnd: String {
        var text = self
        while let last = text.last, last == " " || last == "\n" { text.removeLast() }
        return text
    }
}
