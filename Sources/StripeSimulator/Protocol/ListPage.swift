extension Ledger {
    /// One page of objects of a kind: newest first, cursors exclusive (facts §3).
    ///
    /// `filters` are parameters that must equal the field of the same name; `keep` is a further condition. A limit
    /// outside 1…100 gives `parameter_invalid_integer`, an unknown cursor `resource_missing`.
    func page(
        _ kind: ObjectKind,
        _ call: Call,
        url: String? = nil,
        filters: [String] = [],
        where keep: (JSONObject) -> Bool = { _ in true }
    ) throws(StripeError) -> JSONObject {
        let limit = try Self.limit(call)
        let table = objects[kind] ?? ObjectTable()
        let ascending = call.string("ending_before") != nil
        guard !(ascending && call.string("starting_after") != nil) else {
            throw StripeError(
                "Received both ending_before and starting_after parameters. Please pass in only one."
            )
        }
        var source: any Sequence<JSONObject> = table.newestFirst
        if let cursor = call.string("starting_after") ?? call.string("ending_before") {
            let param = ascending ? "ending_before" : "starting_after"
            guard let position = table.position(of: cursor) else {
                throw StripeError(
                    code: "resource_missing",
                    param: param,
                    "No such \(kind.missing.name): '\(cursor)'"
                )
            }
            source = table.beside(position, older: !ascending)
        }
        var found: [JSONValue] = []
        var hasMore = false
        for object in source {
            guard Self.matches(object, call, filters), keep(object) else { continue }
            if found.count == limit {
                hasMore = true
                break
            }
            found.append(.object(object))
        }
        if ascending { found.reverse() }
        return Self.list(found, hasMore: hasMore, url: url ?? call.path)
    }

    static func limit(_ call: Call) throws(StripeError) -> Int {
        guard let limit = call.int("limit") else { return 10 }
        guard limit >= 1 else {
            throw StripeError.invalid(
                "limit",
                "This value must be greater than or equal to 1.",
                code: "parameter_invalid_integer"
            )
        }
        guard limit <= 100 else {
            throw StripeError.invalid(
                "limit",
                "This value must be less than or equal to 100 (passed a value of \(limit)).",
                code: "parameter_invalid_integer"
            )
        }
        return Int(limit)
    }

    private static func matches(_ object: JSONObject, _ call: Call, _ filters: [String]) -> Bool {
        for name in filters {
            if let wanted = call.parameters[name], object[name] != wanted { return false }
        }
        guard let range = call.parameters["created"], let created = object.int("created") else { return true }
        switch range {
        case .int(let exact): return created == exact
        case .object(let bounds):
            if let bound = bounds.int("gt"), created <= bound { return false }
            if let bound = bounds.int("gte"), created < bound { return false }
            if let bound = bounds.int("lt"), created >= bound { return false }
            if let bound = bounds.int("lte"), created > bound { return false }
            return true
        default: return true
        }
    }
}
