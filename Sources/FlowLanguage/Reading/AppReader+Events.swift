extension AppReader {
    /// Reads `events: { order-shipped: { access: [warehouse] } }`.
    // As `{ shipped: { access: [warehouse] } }`, or only their names: `[shipped]`.
    mutating func readEvents(_ node: YAMLNode) {
        if case .sequence(let items) = node.content {
            for item in items.prefix(Limits.events) {
                guard let name = context.text(of: item, what: "the event"),
                    context.checkKebab(name, what: "the event")
                else { continue }
                model.events.append(EventDeclaration(name: name.value, access: ["admin"]))
            }
            return
        }
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
