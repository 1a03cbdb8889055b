/// Builds the tree of one file, within the limits, and reports everything of YAML that the flow language does not take.
struct YAMLTreeBuilder {
    private struct Frame {
        var isMapping: Bool
        var isFlowStyle: Bool
        var start: Int
        var anchor: String?
        var items: [YAMLNode] = []
        var key: YAMLNode?
        var pairs: [YAMLPair] = []
        /// By their bytes: to `String`, texts that only look alike are equal.
        var names: Set<[UInt8]> = []
        /// Nodes inside, and the deepest nesting among them.
        var size = 1
        var height = 0
    }

    private struct Anchored {
        var node: YAMLNode
        var size: Int
        var height: Int
    }

    /// The tree is not worth having: a limit was passed.
    private struct Refusal: Error {}

    private let text: SourceText
    private let findings: FindingCollector
    private var stack: [Frame] = []
    private var anchors: [String: Anchored] = [:]
    private var openAnchors: Set<String> = []
    private var root: YAMLNode?
    private var nodes = 0
    private var aliasNodes = 0
    private var documents = 0

    private init(_ text: SourceText, _ findings: FindingCollector) {
        self.text = text
        self.findings = findings
    }

    /// The tree of a file; nil, with findings, when there is none to work with.
    static func build(_ text: SourceText, findings: FindingCollector) -> YAMLNode? {
        guard SourceCheck.accepts(text, findings: findings) else { return nil }
        var builder = YAMLTreeBuilder(text, findings)
        do {
            let root = try builder.run()
            guard let root else {
                findings.error(.yamlEmpty, "the file holds nothing", in: text, at: text.start..<text.start)
                return nil
            }
            return root
        } catch let problem as YAMLParser.Problem {
            builder.traps.explain(problem)
            return nil
        } catch {
            return nil
        }
    }

    private mutating func run() throws -> YAMLNode? {
        try text.bytes.withUnsafeBufferPointer { bytes in
            let content = UnsafeBufferPointer(rebasing: bytes[min(text.start, bytes.count)...])
            guard !content.isEmpty else { return nil }
            guard var parser = YAMLParser(content, start: text.start) else { throw Refusal() }
            while true {
                let event = try parser.next()
                if event.kind == .streamEnd { return root }
                try take(event)
            }
        }
    }

    private mutating func take(_ event: YAMLParser.Event) throws {
        var event = event
        if event.anchor != nil, event.kind != .alias { event.range = behindAnchor(event.range) }
        switch event.kind {
        case .streamStart, .streamEnd, .documentEnd: break
        case .documentStart:
            documents += 1
            if documents > 1 {
                findings.error(
                    .yamlDocuments,
                    "a second document begins here; a file holds one",
                    in: text,
                    at: event.range,
                    notes: ["remove the line '---'"]
                )
                throw Refusal()
            }
        case .alias: try takeAlias(event)
        case .scalar:
            guard let scalar = event.scalar else { return }
            try count(1, at: event.range)
            let key = stack.last?.key?.scalar?.text
            refuseJoinedQuestionMark(before: event.range)
            let isTagged = refuseTag(event)
            let isCut = traps.isCutByComment(scalar, range: event.range, key: key)
            let content: YAMLNode.Content = isTagged || isCut ? .unreadable : .scalar(scalar)
            let node = YAMLNode(content: content, range: event.range)
            if let anchor = event.anchor { anchors[anchor] = Anchored(node: node, size: 1, height: 0) }
            try add(node, size: 1, height: 0)
        case .sequenceStart, .mappingStart:
            _ = refuseTag(event)
            try count(1, at: event.range)
            guard stack.count < Limits.yamlDepth else { throw tooDeep(event.range) }
            if let anchor = event.anchor { openAnchors.insert(anchor) }
            stack.append(
                Frame(
                    isMapping: event.kind == .mappingStart,
                    isFlowStyle: event.isFlowStyle,
                    start: event.range.lowerBound,
                    anchor: event.anchor
                )
            )
        case .sequenceEnd, .mappingEnd: try close(event)
        }
    }

    /// A node's place begins with its anchor; its value stands behind that, perhaps on another line.
    private func behindAnchor(_ range: Range<Int>) -> Range<Int> {
        let bytes = text.bytes
        var index = range.lowerBound
        while index < range.upperBound {
            switch bytes[index] {
            case UInt8(ascii: "&"), UInt8(ascii: "!"):
                while index < range.upperBound, bytes[index] > 0x20 { index += 1 }
            case UInt8(ascii: "#"):
                while index < range.upperBound, bytes[index] != 0x0A, bytes[index] != 0x0D { index += 1 }
            case 0...0x20: index += 1
            default: return index..<range.upperBound
            }
        }
        return range.upperBound..<range.upperBound
    }

    private mutating func close(_ event: YAMLParser.Event) throws {
        guard let frame = stack.popLast() else { return }
        // A block collection ends where the next token begins; its last child says where it really ends.
        let last = frame.isMapping ? frame.pairs.last?.value.range.upperBound : frame.items.last?.range.upperBound
        let end = frame.isFlowStyle ? event.range.upperBound : last ?? event.range.upperBound
        let node = YAMLNode(
            content: frame.isMapping ? .mapping(frame.pairs) : .sequence(frame.items),
            range: frame.start..<max(frame.start, end),
            isFlowStyle: frame.isFlowStyle
        )
        if let anchor = frame.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = Anchored(node: node, size: frame.size, height: frame.height)
        }
        try add(node, size: frame.size, height: frame.height)
    }

    private mutating func takeAlias(_ event: YAMLParser.Event) throws {
        let name = event.anchor ?? ""
        if openAnchors.contains(name) {
            let message = "'*\(name)' stands inside the node that it names"
            findings.error(.yamlAliasRecursive, message, in: text, at: event.range)
            throw Refusal()
        }
        guard let anchored = anchors[name] else {
            findings.error(
                .yamlAliasUnknown,
                "'*\(name)' is a YAML alias, and no '&\(name)' stands before it",
                in: text,
                at: event.range,
                notes: findings.likely(name, among: anchors.keys) + ["a value that begins with '*' needs quotes"]
            )
            return try add(YAMLNode(content: .unreadable, range: event.range), size: 1, height: 0)
        }
        aliasNodes += anchored.size
        guard aliasNodes <= Limits.yamlAliasNodes else {
            findings.error(
                .yamlAliasBudget,
                "the aliases of this file expand to more than \(Limits.yamlAliasNodes) nodes",
                in: text,
                at: event.range
            )
            throw Refusal()
        }
        try count(anchored.size, at: event.range)
        guard stack.count + anchored.height <= Limits.yamlDepth else { throw tooDeep(event.range) }
        try add(anchored.node, size: anchored.size, height: anchored.height)
    }

    private mutating func add(_ node: YAMLNode, size: Int, height: Int) throws {
        guard let top = stack.indices.last else {
            root = node
            return
        }
        stack[top].size += size
        stack[top].height = max(stack[top].height, height + 1)
        guard stack[top].isMapping else {
            stack[top].items.append(node)
            return
        }
        if let key = stack[top].key {
            stack[top].pairs.append(YAMLPair(key: key, value: node))
            stack[top].key = nil
        } else {
            stack[top].key = node
            checkKey(node, in: top)
        }
    }

    private mutating func checkKey(_ node: YAMLNode, in frame: Int) {
        guard !node.isUnreadable else { return }
        guard let scalar = node.scalar else {
            findings.error(
                .yamlKey,
                "\(node.kindName) stands where a name is expected",
                in: text,
                at: node.range,
                notes: node.isFlowStyle ? ["text that holds ${ … } or { … } needs quotes"] : []
            )
            return
        }
        if scalar.text == "<<", scalar.style == .plain {
            findings.error(
                .yamlMerge,
                "'<<' (merge) is not part of YAML 1.2",
                in: text,
                at: node.range,
                notes: ["write the keys out, or use an alias for the whole value"]
            )
        } else if !stack[frame].names.insert(Array(scalar.text.utf8)).inserted {
            let earlier = stack[frame].pairs.first { $0.name == scalar.text }
            let line = earlier.map { text.position(at: $0.key.range.lowerBound).line }
            findings.error(
                .yamlDuplicateKey,
                "'\(scalar.text)' is given twice in this mapping",
                in: text,
                at: node.range,
                notes: line.map { ["the first one is in line \($0)"] } ?? []
            )
        }
    }

    /// In `[a, ?b]` libyaml takes the `?` for that of a key, as YAML 1.1 does; in YAML 1.2 it belongs to the text.
    private func refuseJoinedQuestionMark(before range: Range<Int>) {
        let sign = range.lowerBound - 1
        guard stack.last?.isFlowStyle == true, sign >= text.start, text.bytes[sign] == UInt8(ascii: "?") else { return }
        findings.error(
            .yamlSyntax,
            "a value inside { } or [ ] that begins with '?' needs quotes",
            in: text,
            at: sign..<sign + 1
        )
    }

    private func refuseTag(_ event: YAMLParser.Event) -> Bool {
        guard let tag = event.tag else { return false }
        traps.explain(tag: tag, range: event.range, key: stack.last?.key?.scalar?.text)
        return true
    }

    private var traps: YAMLTraps { YAMLTraps(text, findings: findings) }

    private mutating func count(_ size: Int, at range: Range<Int>) throws {
        nodes += size
        guard nodes > Limits.yamlNodes else { return }
        findings.error(.yamlNodes, "the file holds more than \(Limits.yamlNodes) values", in: text, at: range)
        throw Refusal()
    }

    private func tooDeep(_ range: Range<Int>) -> any Error {
        let message = "lists and mappings stand inside each other more than \(Limits.yamlDepth) deep"
        findings.error(.yamlDepth, message, in: text, at: range)
        return Refusal()
    }
}

/// What every file must be before it is read as YAML: small enough, UTF-8, no control characters.
enum SourceCheck {
    static func accepts(_ text: SourceText, findings: FindingCollector) -> Bool {
        guard text.bytes.count <= Limits.fileBytes else {
            findings.error(
                .fileTooLarge,
                "the file has more than \(Limits.fileBytes) bytes, which is the most that is read",
                in: text,
                at: text.start..<text.start
            )
            return false
        }
        if text.bytes.starts(with: [0xFF, 0xFE]) || text.bytes.starts(with: [0xFE, 0xFF]) {
            findings.error(.yamlEncoding, "the file is UTF-16; UTF-8 is expected", in: text, at: 0..<0)
            return false
        }
        if let offset = firstInvalidUTF8(text.bytes) {
            let message = "byte \(hexadecimal(text.bytes[offset])) is not UTF-8"
            findings.error(.yamlEncoding, message, in: text, at: offset..<offset + 1)
            return false
        }
        let control = text.bytes.firstIndex { ($0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D) || $0 == 0x7F }
        if let offset = control {
            findings.error(
                .yamlCharacter,
                "the control character U+00\(hexadecimal(text.bytes[offset])) is not allowed in YAML",
                in: text,
                at: offset..<offset + 1
            )
            return false
        }
        if let (place, escape) = firstForeignBreak(text.bytes) {
            // libyaml, as YAML 1.1, ends a line there, and a comment with it; YAML 1.2 and most editors do not.
            findings.error(
                .yamlCharacter,
                "the line break U+\(escape.code) is not allowed: what stands behind it may look like a comment",
                in: text,
                at: place,
                notes: ["remove it; in a text in double quotes write \(escape.written)"]
            )
            return false
        }
        return true
    }

    /// The first of the line breaks that only YAML 1.1 knows: NEL, LS, PS.
    private static func firstForeignBreak(
        _ bytes: [UInt8]
    ) -> (place: Range<Int>, escape: (code: String, written: String))? {
        for index in bytes.indices where bytes[index] == 0xC2 || bytes[index] == 0xE2 {
            if bytes[index...].starts(with: [0xC2, 0x85]) { return (index..<index + 2, ("0085", "\\N")) }
            if bytes[index...].starts(with: [0xE2, 0x80, 0xA8]) { return (index..<index + 3, ("2028", "\\L")) }
            if bytes[index...].starts(with: [0xE2, 0x80, 0xA9]) { return (index..<index + 3, ("2029", "\\P")) }
        }
        return nil
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var index = 0
        while index < bytes.count {
            guard let length = sequenceLength(bytes, index) else { return index }
            index += length
        }
        return bytes.isEmpty ? nil : bytes.count - 1
    }

    private static func sequenceLength(_ bytes: [UInt8], _ index: Int) -> Int? {
        let length =
            switch bytes[index] {
            case 0..<0x80: 1
            case 0xC2..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0..<0xF5: 4
            default: 0
            }
        guard length > 0, index + length <= bytes.count else { return nil }
        return String(validating: bytes[index..<index + length], as: UTF8.self) == nil ? nil : length
    }
}
