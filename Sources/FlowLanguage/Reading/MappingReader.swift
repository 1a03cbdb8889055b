/// A file being read: where it says what it finds.
struct FileContext {
    let text: SourceText
    let findings: FindingCollector

    func error(_ code: FindingCode, _ message: String, at range: Range<Int>, notes: [String] = []) {
        findings.error(code, message, in: text, at: range, notes: notes)
    }

    /// The note "did you mean …", or none.
    func likely(_ name: String, among candidates: some Sequence<String>) -> [String] {
        findings.likely(name, among: candidates)
    }

    func warning(_ code: FindingCode, _ message: String, at range: Range<Int>, notes: [String] = []) {
        findings.warning(code, message, in: text, at: range, notes: notes)
    }
}

/// Something read, and where it stood.
struct Located<Value: Sendable>: Sendable {
    var value: Value
    var range: Range<Int>
}

extension Located: Equatable where Value: Equatable {}
extension Located: Hashable where Value: Hashable {}

/// Reads a mapping key by key; keys that nobody asked for are findings.
struct MappingReader {
    let node: YAMLNode
    let context: FileContext
    /// What the mapping is, for messages: `a table`, `this block`.
    private(set) var what: String
    private let pairs: [YAMLPair]
    private var known: [String] = []
    /// Keys that are needed and not there; `finish` reports them, unless one is there misspelt.
    private var missing: [String] = []

    /// Nil, with a finding, when `node` is no mapping.
    init?(_ node: YAMLNode, _ context: FileContext, what: String) {
        guard case .mapping(let pairs) = node.content else {
            if !node.isUnreadable {
                context.error(.typeMapping, "\(what) is written as a mapping; found \(node.kindName)", at: node.range)
            }
            return nil
        }
        self.node = node
        self.context = context
        self.what = what
        self.pairs = pairs
    }

    /// Says more closely what the mapping is, once that is known.
    mutating func describe(_ what: String) { self.what = what }

    func has(_ name: String) -> Bool { pairs.contains { $0.name == name } }

    /// The pair of that name; the name counts as known from now on.
    mutating func pair(_ name: String) -> YAMLPair? {
        known.append(name)
        return pairs.first { $0.name == name }
    }

    mutating func value(_ name: String) -> YAMLNode? { pair(name)?.value }

    /// The value; if it is missing, `finish` or `abandon` makes a finding.
    mutating func required(_ name: String) -> YAMLNode? {
        if let node = value(name) { return node }
        missing.append(name)
        return nil
    }

    /// Where findings about something missing point: the first key, or the mapping if it is empty.
    var headRange: Range<Int> { pairs.first?.key.range ?? node.range }

    mutating func text(_ name: String) -> Located<String>? {
        value(name).flatMap { context.text(of: $0, what: "'\(name)'") }
    }

    mutating func requiredText(_ name: String) -> Located<String>? {
        required(name).flatMap { context.text(of: $0, what: "'\(name)'") }
    }

    mutating func bool(_ name: String) -> Located<Bool>? {
        value(name).flatMap { context.bool(of: $0, what: "'\(name)'") }
    }

    mutating func int(_ name: String, in range: ClosedRange<Int64>) -> Located<Int64>? {
        value(name).flatMap { context.int(of: $0, what: "'\(name)'", in: range) }
    }

    /// A text out of a few.
    mutating func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String,
        of type: Choice.Type
    ) -> Located<Choice>? where Choice.RawValue == String {
        guard let text = text(name) else { return nil }
        if let choice = Choice(rawValue: text.value) { return Located(value: choice, range: text.range) }
        let names = Choice.allCases.map(\.rawValue)
        context.error(
            .valueChoice,
            "'\(name)' cannot be '\(text.value)'; it is one of \(names.listed)",
            at: text.range,
            notes: context.likely(text.value, among: names)
        )
        return nil
    }

    /// Reports keys nobody asked for.
    ///
    /// `unavailable` are keys of the design that this version does not have.
    mutating func finish(unavailable: [String] = []) {
        for pair in pairs where !known.contains(pair.name) && !pair.key.isUnreadable && pair.key.scalar != nil {
            if pair.name == "<<" { continue }  // Reported as a merge.
            if unavailable.contains(pair.name) {
                context.error(
                    .keyUnavailable,
                    "'\(pair.name)' is not available in this version of Runnel",
                    at: pair.key.range
                )
                continue
            }
            let near = context.likely(pair.name, among: known + unavailable)
            if !missing.isEmpty, !context.findings.isFull {
                missing.removeAll { NearestName.of(pair.name, among: known + unavailable) == $0 }
            }
            context.error(
                .keyUnknown,
                "\(what) takes no '\(pair.name)'",
                at: pair.key.range,
                notes: near.isEmpty ? ["it takes \(Set(known).sorted().listed)"] : near
            )
        }
        reportMissing()
    }

    /// Reports what is missing when the mapping cannot be read on; of unknown keys only those that stand in for it.
    ///
    /// `known` are the keys it may have that were not asked for yet.
    mutating func abandon(knowing known: [String]) {
        for pair in pairs where !self.known.contains(pair.name) && !known.contains(pair.name) {
            let near = NearestName.of(pair.name, among: missing)
            guard let near else { continue }
            missing.removeAll { $0 == near }
            context.error(
                .keyUnknown,
                "\(what) takes no '\(pair.name)'",
                at: pair.key.range,
                notes: ["did you mean '\(near)'?"]
            )
        }
        reportMissing()
    }

    private mutating func reportMissing() {
        for name in missing { context.error(.keyMissing, "\(what) needs '\(name)'", at: headRange) }
        missing = []
    }
}

extension FileContext {
    /// A scalar's text, whatever it looks like to YAML; null, lists and mappings are findings.
    func text(of node: YAMLNode, what: String) -> Located<String>? {
        guard let scalar = node.scalar, scalar.resolved != .null else {
            if !node.isUnreadable {
                error(.typeText, "\(what) is a text; found \(node.kindName)", at: node.range)
            }
            return nil
        }
        return Located(value: scalar.text, range: node.range)
    }

    func bool(of node: YAMLNode, what: String) -> Located<Bool>? {
        if case .bool(let value)? = node.scalar?.resolved { return Located(value: value, range: node.range) }
        guard !node.isUnreadable else { return nil }
        var notes: [String] = []
        switch node.scalar?.text.lowercased() {
        case "yes", "on", "y": notes = ["write true: in YAML 1.2 '\(node.scalar?.text ?? "")' is text"]
        case "no", "off", "n": notes = ["write false: in YAML 1.2 '\(node.scalar?.text ?? "")' is text"]
        default: break
        }
        error(.typeBool, "\(what) is true or false; found \(node.kindName)", at: node.range, notes: notes)
        return nil
    }

    func int(of node: YAMLNode, what: String, in range: ClosedRange<Int64>) -> Located<Int64>? {
        switch node.scalar?.resolved {
        case .int(let value)? where range.contains(value): return Located(value: value, range: node.range)
        case .int?, .hugeInt?:
            let bound =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
            error(.valueRange, "\(what) is an integer \(bound)", at: node.range)
        default:
            guard !node.isUnreadable else { return nil }
            error(.typeInt, "\(what) is an integer; found \(node.kindName)", at: node.range)
        }
        return nil
    }

    func items(of node: YAMLNode, what: String) -> [YAMLNode]? {
        if case .sequence(let items) = node.content { return items }
        if !node.isUnreadable {
            var notes: [String] = []
            if case .mapping(let pairs) = node.content, let key = pairs.first?.name, key.hasPrefix("-") {
                notes = ["the '-' of a list needs a space behind it: '- \(key.dropFirst()):'"]
            }
            error(.typeList, "\(what) is a list; found \(node.kindName)", at: node.range, notes: notes)
        }
        return nil
    }

    func pairs(of node: YAMLNode, what: String) -> [YAMLPair]? {
        if case .mapping(let pairs) = node.content {
            if pairs.count > Limits.entries { refuseEntries(what, at: pairs[Limits.entries].key.range) }
            return pairs.prefix(Limits.entries).filter { $0.key.scalar != nil && $0.name != "<<" }
        }
        if !node.isUnreadable {
            error(.typeMapping, "\(what) is written as a mapping; found \(node.kindName)", at: node.range)
        }
        return nil
    }

    /// A list of texts.
    func texts(of node: YAMLNode, what: String) -> [Located<String>]? {
        if case .text(let text)? = node.scalar?.resolved, (1...64).contains(text.utf8.count) {
            error(.typeList, "\(what) is a list; found text", at: node.range, notes: ["such as [\(text)]"])
            return nil
        }
        guard let items = items(of: node, what: what) else { return nil }
        if items.count > Limits.entries { refuseEntries(what, at: items[Limits.entries].range) }
        return items.prefix(Limits.entries).compactMap { text(of: $0, what: "an entry of \(what)") }
    }

    private func refuseEntries(_ what: String, at range: Range<Int>) {
        error(.limitEntries, "\(what) has at most \(Limits.entries) entries", at: range)
    }
}

extension Sequence<String> {
    /// `'a', 'b' and 'c'`.
    var listed: String {
        let names = map { "'\($0)'" }
        guard let last = names.last, names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }
}
