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
        let cursor = try Self.cursor(call)
        let ascending = cursor?.param == "ending_before"
        var source: any Sequence<JSONObject> = table.newestFirst
        if let cursor {
            guard let position = table.position(of: cursor.id) else { throw cursor.missing(kind.missing.name) }
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

    /// One page of objects that another one holds, in the order it holds them: the lines of an invoice, the items of a
    /// subscription.
    ///
    /// Refuses what `page` for a kind refuses.
    static func page(_ held: [JSONValue], of name: String, _ call: Call) throws(StripeError) -> JSONObject {
        let limit = try limit(call)
        guard let cursor = try cursor(call) else {
            return list(Array(held.prefix(limit)), hasMore: held.count > limit, url: call.path)
        }
        guard let position = held.firstIndex(where: { $0.object?.id == cursor.id }) else { throw cursor.missing(name) }
        let isBefore = cursor.param == "ending_before"
        let rest = isBefore ? held[..<position] : held[(position + 1)...]
        let found = isBefore ? rest.suffix(limit) : rest.prefix(limit)
        return list(Array(found), hasMore: rest.count > limit, url: call.path)
    }

    private struct Cursor {
        let param: String
        let id: String

        func missing(_ name: String) -> StripeError {
            StripeError(code: "resource_missing", param: param, "No such \(name): '\(id)'")
        }
    }

    /// Where a page begins or ends, beside the object that the caller names.
    private static func cursor(_ call: Call) throws(StripeError) -> Cursor? {
        let given = ["starting_after", "ending_before"].compactMap { param in
            call.string(param).map { Cursor(param: param, id: $0) }
        }
        guard given.count < 2 else {
            throw StripeError(
                "Received both ending_before and starting_after parameters. Please pass in only one."
            )
        }
        return given.first
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
        // An invoice item says `date`.
        guard let created = object.int("created") ?? object.int("date") else { return true }
        return isWithin(call.parameters["created"], created)
    }

    /// Whether a time is the one that a filter names, or within its bounds; no time is within any.
    static func isWithin(_ range: JSONValue?, _ time: Int64?) -> Bool {
        switch range {
        case .some(.int(let exact)): return time == exact
        case .some(.object(let bounds)):
            guard let time else { return false }
            if let bound = bounds.int("gt"), time <= bound { return false }
            if let bound = bounds.int("gte"), time < bound { return false }
            if let bound = bounds.int("lt"), time >= bound { return false }
            if let bound = bounds.int("lte"), time > bound { return false }
            return true
        default: return true
        }
    }
}
