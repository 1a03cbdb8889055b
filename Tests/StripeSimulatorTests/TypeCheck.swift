import Testing

@testable import StripeSimulator

/// Checks answers against the types of the official Node client (2026-07-29.dahlia).
enum TypeCheck {
    /// Fields that the recorded traffic has and the types do not name.
    private static let recorded: Set<String> = [
        "charge.destination", "charge.dispute", "charge.order", "charge.invoice", "list.total_count",
        "product.attributes", "subscription.plan", "subscription.quantity", "product.type", "subscription_item.plan",
        "invoice.default_source",
        "invoice.webhooks_delivered_at", "payment_intent.source", "charge.source",
        // asked for with `expand`, by a name that the types know as another's
        "payment_intent.invoice", "invoice.application", "card.wallet",
    ]

    private static let names: [String: String] = {
        var names: [String: String] = [:]
        for member in SharedData.types?.members ?? [] {
            guard let fields = member.value.object?.object("fields"), !member.key.contains("Deleted"),
                let kind = fields.object("object")?.string("v"), member.key.last != "s" || kind.hasSuffix("s")
            else { continue }
            if names[kind] == nil || member.key.count < names[kind]?.count ?? 0 { names[kind] = member.key }
        }
        return names
    }()

    /// What is wrong with an answer; empty when nothing is.
    static func violations(in value: JSONValue) -> [String] {
        guard SharedData.types != nil, let object = value.object else { return [] }
        var found: [String] = []
        check(object: object, at: object.string("object") ?? "error", &found)
        return found
    }

    private static func check(object: JSONObject, at path: String, _ found: inout [String]) {
        guard let kind = object.string("object") else { return }
        if kind == "list" || kind == "search_result" {
            for element in object.array("data") ?? [] {
                if let inner = element.object { check(object: inner, at: path + ".data", &found) }
            }
            return
        }
        if kind == "event" {
            if let inner = object.value(at: "data", "object")?.object { check(object: inner, at: "event", &found) }
            return
        }
        guard object["deleted"] == nil, let name = names[kind] else { return }
        let type: JSONObject = ["t": "ref", "ref": .string(name)]
        check(.object(object), type, scope: "", at: kind == path ? kind : path + ">" + kind, kind: kind, &found)
    }

    private static func resolve(_ type: JSONObject, scope: String) -> (JSONObject, String)? {
        guard type.string("t") == "ref", let ref = type.string("ref") else { return (type, scope) }
        if ref == "ApiList" { return (["t": "list"], scope) }
        if ref == "Metadata" { return (["t": "metadata"], scope) }
        let parts = scope.split(separator: ".").map(String.init)
        for count in stride(from: parts.count, through: 0, by: -1) {
            let name = (parts.prefix(count) + [ref]).joined(separator: ".")
            if let found = SharedData.types?.object(name) { return (found, name) }
        }
        return nil
    }

    private static func check(
        _ value: JSONValue,
        _ declared: JSONObject,
        scope: String,
        at path: String,
        kind: String,
        _ found: inout [String]
    ) {
        if value.isNull {
            if declared.bool("nullable") != true, declared.bool("opt") != true { found.append("\(path): null") }
            return
        }
        guard let (type, scope) = resolve(declared, scope: scope) else { return }
        switch (type.string("t") ?? "", value) {
        case ("string", .string), ("number", .int), ("number", .double), ("boolean", .bool), ("unknown", _): return
        case ("list", .object(let object)), ("metadata", .object(let object)):
            check(object: object, at: path, &found)
        case ("const", _):
            if type["v"] != value { found.append("\(path): not \(type["v"] ?? .null)") }
        case ("enum", .string(let text)):
            let isKnown = type.array("values")?.contains(.string(text)) == true
            if !isKnown, type.bool("open") != true { found.append("\(path): unknown value \(text)") }
        case ("array", .array(let elements)):
            for element in elements {
                check(element, type.object("of") ?? [:], scope: scope, at: path + "[]", kind: kind, &found)
            }
        case ("union", _): checkUnion(value, type, scope: scope, at: path, kind: kind, &found)
        case ("object", .object(let object)):
            checkFields(object, type, scope: scope, at: path, kind: kind, &found)
        default: found.append("\(path): not a \(type.string("t") ?? "")")
        }
    }

    private static func checkUnion(
        _ value: JSONValue,
        _ type: JSONObject,
        scope: String,
        at path: String,
        kind: String,
        _ found: inout [String]
    ) {
        if let object = value.object, object["object"] != nil { return check(object: object, at: path, &found) }
        var fewest: [String]?
        for option in (type.array("of") ?? []).compactMap(\.object) {
            var inner: [String] = []
            check(value, option, scope: scope, at: path, kind: kind, &inner)
            if inner.isEmpty { return }
            if fewest == nil || inner.count < fewest?.count ?? 0 { fewest = inner }
        }
        found += fewest ?? []
    }

    private static func checkFields(
        _ object: JSONObject,
        _ type: JSONObject,
        scope: String,
        at path: String,
        kind: String,
        _ found: inout [String]
    ) {
        let fields = type.object("fields") ?? [:]
        let own = object.string("object") ?? kind
        for member in object.members {
            guard let field = fields.object(member.key) else {
                let isRecorded = recorded.contains("\(own).\(member.key)")
                if !isRecorded, type["map"] == nil { found.append("\(path).\(member.key): unknown field") }
                continue
            }
            check(member.value, field, scope: scope, at: "\(path).\(member.key)", kind: own, &found)
        }
        for field in fields.members where object[field.key] == nil && field.value.object?.bool("opt") != true {
            found.append("\(path).\(field.key): missing")
        }
    }
}
