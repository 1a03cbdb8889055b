import Testing

/// An app with one mistake, marked where the finding must point.
struct BrokenApp: Sendable, CustomTestStringConvertible {
    /// A sentence: what is wrong.
    var name: String
    /// The broken `app.yaml`, or nil for the usual one.
    var app: String?
    /// The broken flow.
    var flow: String?
    var expected: [ExpectedFinding]

    var testDescription: String { name }

    /// A page flow whose blocks are broken.
    static func blocks(_ name: String, _ blocks: String, _ expected: ExpectedFinding...) -> BrokenApp {
        let head = """
            flow: test
            kind: page
            access: [customer]
            input:
              orderId: { type: int }
              name: { type: string }
            blocks:

            """
        let indented = blocks.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
        return BrokenApp(name: name, flow: head + indented.joined(separator: "\n") + "\n", expected: expected)
    }

    static func flow(_ name: String, _ flow: String, _ expected: ExpectedFinding...) -> BrokenApp {
        BrokenApp(name: name, flow: flow + "\n", expected: expected)
    }

    static func app(_ name: String, _ app: String, _ expected: ExpectedFinding...) -> BrokenApp {
        BrokenApp(name: name, app: app + "\n", expected: expected)
    }
}

@Suite("Broken apps")
struct BrokenAppTests {
    @Test("each is reported at the right token, with the right suggestion", arguments: BrokenApp.all)
    func isReported(_ broken: BrokenApp) { expectDiagnostics(flow: broken.flow, app: broken.app, broken.expected) }

    @Test("there are at least forty") func count() { #expect(BrokenApp.all.count >= 40) }
}

extension BrokenApp {
    static let all =
        traps + yaml + names + types + graphs + timing + loops + branches + apps + triggers + http + code + declarations
        + slips
}
