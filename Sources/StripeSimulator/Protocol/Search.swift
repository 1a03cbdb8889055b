extension Ledger {
    /// Stripe's search: `field:'value'`, `field:"value"`, `metadata['key']:'value'`, `created>N`, joined by AND or OR.
    func search(_ kind: ObjectKind, _ call: Call) throws(StripeError) -> JSONObject {
        let query = call.string("query") ?? ""
        let limit = try Self.limit(call)
        let query_ = try SearchQuery(query)
        let offset = call.string("page").flatMap { Int($0) } ?? 0
        let found = objects[kind]?.newestFirst.filter { query_.matches($0) && $0.bool("deleted") != true } ?? []
        guard offset >= 0 else { throw StripeError.invalid("page", "Invalid page: \(offset)") }
        let page = found.dropFirst(offset).prefix(limit)
        let hasMore = found.count > offset + page.count
        return [
            "object": "search_result", "data": .array(page.map(JSONValue.object)), "has_more": .bool(hasMore),
            "next_page": hasMore ? .string(String(offset + page.count)) : nil, "url": .string(call.path),
        ]
    }
}

/// A parsed search query.
struct SearchQuery {
    private struct Clause {
        let field: String
        let metadataKey: String?
        let comparison: String
        let value: String
        let isNegated: Bool
    }

    private var clauses: [Clause] = []
    private var anyIsEnough = false

    init(_ text: String) throws(StripeError) {
        var rest = text[...]
        while true {
            rest = rest.drop { $0 == " " }
            guard !rest.isEmpty else { break }
            if rest.hasPrefix("AND ") {
                rest = rest.dropFirst(4)
                continue
            }
            if rest.hasPrefix("OR ") {
                anyIsEnough = true
                rest = rest.dropFirst(3)
                continue
            }
            clauses.append(try Self.clause(&rest))
            guard clauses.count <= 10 else { throw Self.malformed(text) }
        }
        guard !clauses.isEmpty else { throw Self.malformed(text) }
    }

    private static func malformed(_ text: some StringProtocol) -> StripeError {
        StripeError.invalid("query", "We were unable to parse your search query near: \(text.prefix(60))")
    }

    private static func clause(_ rest: inout Substring) throws(StripeError) -> Clause {
        let start = rest
        let isNegated = rest.hasPrefix("-")
        if isNegated { rest = rest.dropFirst() }
        let field = rest.prefix { $0.isLetter || $0 == "_" || $0 == "." }
        rest = rest.dropFirst(field.count)
        var key: String?
        if rest.hasPrefix("[") {
            rest = rest.dropFirst()
            key = try quoted(&rest)
            guard rest.hasPrefix("]") else { throw malformed(start) }
            rest = rest.dropFirst()
        }
        let comparison = rest.prefix { ":<>=~".contains($0) }
        rest = rest.dropFirst(comparison.count)
        guard !field.isEmpty, [":", ">", "<", ">=", "<=", "~"].contains(comparison) else { throw malformed(start) }
        let value: String
        if let first = rest.first, first == "'" || first == "\"" {
            value = try quoted(&rest)
        } else {
            let word = rest.prefix { $0 != " " }
            rest = rest.dropFirst(word.count)
            value = String(word)
        }
        return Clause(
            field: String(field),
            metadataKey: key,
            comparison: String(comparison),
            value: value,
            isNegated: isNegated
        )
    }

    private static func quoted(_ rest: inout Substring) throws(StripeError) -> String {
        guard let quote = rest.first, quote == "'" || quote == "\"" else { throw malformed(rest) }
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: quote) else { throw malformed(rest) }
        defer { rest = rest[rest.index(after: end)...] }
        return String(rest[..<end])
    }

    func matches(_ object: JSONObject) -> Bool {
        let holds = { (clause: Clause) in Self.holds(clause, object) != clause.isNegated }
        return anyIsEnough ? clauses.contains(where: holds) : clauses.allSatisfy(holds)
    }

    private static func holds(_ clause: Clause, _ object: JSONObject) -> Bool {
        let value = clause.metadataKey.map { object.value(at: "metadata", $0) } ?? object[clause.field]
        switch (clause.comparison, value) {
        case (":", .some(.string(let text))): return text.lowercased() == clause.value.lowercased()
        case (":", .some(.bool(let flag))): return String(flag) == clause.value
        case (":", .none), (":", .some(.null)): return clause.value == "null"
        case ("~", .some(.string(let text))): return text.lowercased().contains(clause.value.lowercased())
        case (let comparison, .some(.int(let number))):
            guard let bound = Int64(clause.value) else { return false }
            switch comparison {
            case ":": return number == bound
            case ">": return number > bound
            case "<": return number < bound
            case ">=": return number >= bound
            case "<=": return number <= bound
            default: return false
            }
        default: return false
        }
    }
}
