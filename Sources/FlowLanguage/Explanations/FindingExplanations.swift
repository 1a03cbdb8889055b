/// The pages that `runnel explain CODE` prints: why a finding is made, and what to do about it.
package enum FindingExplanations {
    struct Page: Sendable {
        var cause: String
        var remedy: String
    }

    /// The page of a code, as text for a terminal; nil when there is no such code.
    package static func explain(_ code: String) -> String? {
        guard let page = FindingCode(rawValue: code).flatMap({ pages[$0] }) ?? expressions[code] else { return nil }
        return "\(code)\n\nCause: \(page.cause)\n\nWhat to do: \(page.remedy)\n"
    }

    /// The codes that have a page, in the order of the alphabet.
    package static var codes: [String] { (pages.keys.map(\.rawValue) + expressions.keys).sorted() }

    private static let parts = [files, apps, flows, triggers, http, cases, code, timing, branches]
    private static let pages: [FindingCode: Page] = parts.reduce(into: [:]) { pages, part in
        pages.merge(part) { first, _ in first }
    }
}
