/// One operation of Stripe's API: `subscriptions.cancel` is `DELETE /v1/subscriptions/{id}`.
struct StripeOperation: Sendable, Hashable {
    let name: String
    let verb: String
    /// With its variables in braces.
    let path: String
    /// What it cannot do without: names of parameters, dotted where they lie deeper.
    let required: [String]

    private static let usual: [Substring: (verb: String, suffix: String)] = [
        "list": ("GET", ""), "create": ("POST", ""), "retrieve": ("GET", "/{id}"), "update": ("POST", "/{id}"),
        "del": ("DELETE", "/{id}"), "search": ("GET", "/search"),
    ]

    /// Reads a word of `StripeOperations.table`: `list`, `create(amount,currency)`, `cancel=POST/{id}/cancel`.
    init(resource: Substring, path base: Substring, word: Substring) {
        let parts = word.split(separator: "(", maxSplits: 1)
        required = parts.count > 1 ? parts[1].dropLast().split(separator: ",").map(String.init) : []
        let sides = parts[0].split(separator: "=", maxSplits: 1)
        name = "\(resource).\(sides[0])"
        if sides.count > 1 {
            let verb = sides[1].prefix { $0 != "/" }
            self.verb = String(verb)
            path = base + String(sides[1].dropFirst(verb.count))
        } else {
            let (verb, suffix) = Self.usual[sides[0]] ?? ("GET", "")
            self.verb = verb
            path = base + suffix
        }
    }

    /// The names of the path's variables, in order.
    var variables: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// The path with its variables filled in; nil when one is missing or not made like an id.
    func path(filledWith values: (String) -> String?) -> String? {
        var filled = ""
        for part in path.split(separator: "/") {
            guard part.hasPrefix("{") else {
                filled += "/\(part)"
                continue
            }
            guard let value = values(String(part.dropFirst().dropLast())) else { return nil }
            filled += "/\(value)"
        }
        return filled
    }
}
