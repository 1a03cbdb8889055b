extension AppReader {
    /// Reads `events: { order-shipped: { access: [warehouse] } }`.
    mutating func readEvents(_ node: YAMLNode) {
        for (number, pair) in (context.pairs(of: node, what: "'events'") ?? []).enumerated() {
            if number == Limits.events {
                context.error(.limitEntries, "an app has at most \(Limits.events) events", at: pair.key.range)
            }
            guard number < Limits.events else { return }
            let name = Located(value: pair.name, range: pair.key.range)
            guard context.checkKebab(name, what: "the event"),
                var reader = MappingReader(pair.value, context, what: "an event")
            else { continue }
            let access = reader.value("access").map { readRoleList($0, what: "'access'") }
            reader.finish()
            model.events.append(EventDeclaration(name: name.value, access: access ?? ["admin"]))
        }
    }
}
