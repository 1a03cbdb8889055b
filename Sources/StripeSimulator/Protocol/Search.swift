extension Ledger {
    /// Stripe's search: `field:'value'`, `field:"value"`, `metadata['key']:'value'`, `created>N`, joined by AND or OR.
    func search(_ kind: ObjectKind, _ call: Call) throws(StripeError) -> JSONObject {
        let query = call.string("query") ?? ""
        let limit = try Self.limit(call)
        let query_ = try SearchQuery(query, fields: SearchField.of(kind))
        let offset = call.string("page").flatMap { Int($0) } ?? 0
        let found = objects[kind]?.newestFirst.filter { query_.matches($0) && $0.bool("deleted") != true } ?? []
        guard offset >= 0 else { throw StripeError.invalid("page", "Invalid page: \(offset)") }
        let page = found.dropFirst(offset).prefix(limit)
        let hasMore = found.count > offset + page.count
        var result: JSONObject = [
            "object": "search_result", "data": .array(page.map(JSONValue.object)), "has_more": .bool(hasMore),
            "next_page": hasMore ? .string(String(offset + page.count)) : nil, "url": .string(call.path),
        ]
        if call.strings("expand")?.contains("total_count") == true { result["total_count"] = .int(Int64(found.count)) }
        return result
    }
}

/// What can be searched for, and how (docs.stripe.com/search, 2026).
enum SearchField {
    /// Texts that are compared whole, or in part; amounts and times; keys with texts.
    case token, text, number, metadata

    static func of(_ kind: ObjectKind) -> [String: SearchField] {
        let shared: [String: SearchField] = ["created": .number, "metadata": .metadata]
        let own: [String: SearchField] =
            switch kind {
            case .charge:
                [
                    "amount": .number, "billing_details.address.postal_code": .token, "currency": .token,
                    "customer": .token, "disputed": .token, "payment_method_details.card.brand": .token,
                    "payment_method_details.card.exp_month": .token, "payment_method_details.card.exp_year": .token,
                    "payment_method_details.card.fingerprint": .token, "payment_method_details.card.last4": .token,
                    "refunded": .token, "status": .token,
                ]
            case .customer: ["email": .text, "name": .text, "phone": .text]
            case .invoice:
                [
                    "currency": .token, "customer": .token, "last_finalization_error_code": .token,
                    "last_finalization_error_type": .token, "number": .text, "receipt_number": .text, "status": .token,
                    "subscription": .token, "total": .number,
                ]
            case .paymentIntent: ["amount": .number, "currency": .token, "customer": .token, "status": .token]
            case .price:
                ["active": .token, "currency": .token, "lookup_key": .text, "product": .token, "type": .token]
            case .product:
                ["active": .token, "description": .text, "name": .text, "shippable": .token, "url": .text]
            case .subscription: ["canceled_at": .number, "customer": .token, "status": .token]
            default: [:]
            }
        return own.merging(shared) { own, _ in own }
    }

    func takes(_ comparison: String, hasKey: Bool) -> Bool {
        switch self {
        case .token: comparison == ":" && !hasKey
        case .text: [":", "~"].contains(comparison) && !hasKey
        case .number: comparison != "~" && !hasKey
        case .metadata: comparison == ":" && hasKey
        }
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

    /// Reads a query.
    ///
    /// Throws: 400 for fields that cannot be searched for, comparisons that they do not take, and AND beside OR.
    init(_ text: String, fields: [String: SearchField]) throws(StripeError) {
        var rest = text[...]
        var words: Set<String> = []
        while true {
            rest = rest.drop { $0 == " " }
            guard !rest.isEmpty else { break }
            if let word = ["AND", "OR"].first(where: { rest.hasPrefix($0 + " ") }) {
                words.insert(word)
                rest = rest.dropFirst(word.count)
                continue
            }
            let clause = try Self.clause(&rest)
            try Self.check(clause, fields)
            clauses.append(clause)
            guard clauses.count <= 10 else { throw Self.malformed(text) }
        }
        guard !clauses.isEmpty else { throw Self.malformed(text) }
        guard words.count < 2 else {
            throw StripeError.invalid("query", "You cannot combine AND and OR in the same search query.")
        }
        anyIsEnough = words.contains("OR")
    }

    private static func check(_ clause: Clause, _ fields: [String: SearchField]) throws(StripeError) {
        guard let field = fields[clause.field] else {
            throw StripeError.invalid(
                "query",
                "Field `\(clause.field.prefix(60))` is an unsupported search field for this resource."
            )
        }
        guard field.takes(clause.comparison, hasKey: clause.metadataKey != nil) else {
            throw StripeError.invalid(
                "query",
                "The operator `\(clause.comparison)` is not supported for the field `\(clause.field)`."
            )
        }
        guard clause.comparison != "~" || clause.value.count >= 3 else {
            throw StripeError.invalid("query", "Substring search (`~`) needs at least 3 characters.")
        }
    }

    private static func malformed(_ text: some StringProtocol) -> StripeError {
        StripeError.invalid("query", "We were unable to parse your search query near: \(text.prefix(60))")
    }

    private static func clause(_ rest: inout Substring) throws(StripeError) -> Clause {
        let start = rest
        let isNegated = rest.hasPrefix("-")
        if isNegated { rest = rest.dropFirst() }
        let field = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
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

    private static func value(of field: String, in object: JSONObject) -> JSONValue? {
        var current: JSONValue? = .object(object)
        for part in field.split(separator: ".") { current = current?.object?[String(part)] }
        return current ?? object["_" + field]  // an invoice's subscription
    }

    private static func holds(_ clause: Clause, _ object: JSONObject) -> Bool {
        let value = clause.metadataKey.map { object.value(at: "metadata", $0) } ?? value(of: clause.field, in: object)
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
