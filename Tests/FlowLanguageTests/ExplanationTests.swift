import Testing

@testable import FlowLanguage

@Suite("Explanations")
struct ExplanationTests {
    @Test("every code has a page with a cause and a remedy", arguments: FindingCode.allCases.map(\.rawValue))
    func page(_ code: String) throws {
        let page = try #require(FindingExplanations.explain(code))
        #expect(page.hasPrefix("\(code)\n\nCause: "))
        #expect(page.contains("What to do: "))
    }

    @Test("a code that does not exist has none") func unknown() { #expect(FindingExplanations.explain("nope") == nil) }
}

@Suite("Names that were likely meant")
struct NearestNameTests {
    @Test(
        "the nearest is offered if it is likely",
        arguments: [
            ("oders", "orders"), ("levle", "level"), ("create-payment-intend", "create-payment-intent"),
            ("findRecord", "find-record"), ("x", nil), ("banana", nil), ("", nil),
        ] as [(String, String?)]
    )
    func nearest(_ name: String, _ expected: String?) {
        let names = ["orders", "level", "create-payment-intent", "find-record", "create-refund"]
        #expect(NearestName.of(name, among: names) == expected)
    }
}
