import CYAML

/// Owns one libyaml parser over bytes that outlive it; freed when the value goes out of scope.
///
/// libyaml counts characters, not bytes; `Event` places are already turned into UTF-8 offsets of the file.
struct YAMLParser: ~Copyable {
    struct Event {
        enum Kind {
            case streamStart, streamEnd, documentStart, documentEnd, sequenceStart, sequenceEnd, mappingStart,
                mappingEnd
            case alias, scalar
        }

        var kind: Kind
        var range: Range<Int>
        /// The anchor's name: defined by a node, used by an alias.
        var anchor: String?
        var tag: String?
        var scalar: YAMLScalar?
        var isFlowStyle = false
    }

    /// What libyaml says of text that is no YAML.
    struct Problem: Error {
        var message: String
        var context: String
        var offset: Int
        var contextOffset: Int?
    }

    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let offsets: CharacterOffsets

    /// Nil when there is nothing to parse, or libyaml has no memory left.
    ///
    /// - Parameters:
    ///   - bytes: Valid UTF-8 without a byte order mark. Must stay where it is while the parser lives.
    ///   - start: Where `bytes` stands in its file.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, start: Int) {
        guard let base = bytes.baseAddress, let parser = Self.allocate() else { return nil }
        self.parser = parser
        offsets = CharacterOffsets(bytes, start: start)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, base, bytes.count)
    }

    private static func allocate() -> UnsafeMutablePointer<yaml_parser_t>? {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        if yaml_parser_initialize(parser) == 1 { return parser }
        parser.deallocate()
        return nil
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event.
    ///
    /// After `.streamEnd` or a thrown problem the parser must not be asked again.
    mutating func next() throws(Problem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let start = offsets[event.start_mark.index]
        let range = start..<max(start, offsets[event.end_mark.index])
        switch event.type {
        case YAML_STREAM_START_EVENT: return Event(kind: .streamStart, range: range)
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return Event(kind: .streamEnd, range: range)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, range: range)
        case YAML_DOCUMENT_END_EVENT: return Event(kind: .documentEnd, range: range)
        case YAML_SEQUENCE_END_EVENT: return Event(kind: .sequenceEnd, range: range)
        case YAML_MAPPING_END_EVENT: return Event(kind: .mappingEnd, range: range)
        case YAML_ALIAS_EVENT:
            return Event(kind: .alias, range: range, anchor: text(event.data.alias.anchor))
        case YAML_SEQUENCE_START_EVENT:
            let data = event.data.sequence_start
            return Event(
                kind: .sequenceStart,
                range: range,
                anchor: text(data.anchor),
                tag: text(data.tag),
                isFlowStyle: data.style == YAML_FLOW_SEQUENCE_STYLE
            )
        case YAML_MAPPING_START_EVENT:
            let data = event.data.mapping_start
            return Event(
                kind: .mappingStart,
                range: range,
                anchor: text(data.anchor),
                tag: text(data.tag),
                isFlowStyle: data.style == YAML_FLOW_MAPPING_STYLE
            )
        default:
            return scalarEvent(event.data.scalar, range: range)
        }
    }

    private func scalarEvent(_ data: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar, range: Range<Int>)
        -> Event
    {
        let style: YAMLScalar.Style =
            switch data.style {
            case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
            case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
            case YAML_LITERAL_SCALAR_STYLE: .literal
            case YAML_FOLDED_SCALAR_STYLE: .folded
            default: .plain
            }
        let value = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
        return Event(
            kind: .scalar,
            range: range,
            anchor: text(data.anchor),
            tag: text(data.tag),
            scalar: YAMLScalar(text: value, style: style)
        )
    }

    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func problem() -> Problem {
        let state = parser.pointee
        let message = state.problem.map { String(cString: $0) } ?? "not valid YAML"
        let context = state.context.map { String(cString: $0) } ?? ""
        guard state.error == YAML_SCANNER_ERROR || state.error == YAML_PARSER_ERROR else {
            return Problem(message: message, context: context, offset: offsets.start + state.problem_offset)
        }
        return Problem(
            message: message,
            context: context,
            offset: offsets[state.problem_mark.index],
            contextOffset: state.context == nil ? nil : offsets[state.context_mark.index]
        )
    }
}

/// Turns libyaml's character counts into UTF-8 offsets.
private struct CharacterOffsets {
    let start: Int
    private let count: Int
    /// Nil when every character is one byte.
    private let table: [UInt32]?

    init(_ bytes: UnsafeBufferPointer<UInt8>, start: Int) {
        self.start = start
        count = bytes.count
        guard bytes.contains(where: { $0 >= 0x80 }) else {
            table = nil
            return
        }
        var table: [UInt32] = []
        table.reserveCapacity(bytes.count)
        for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 { table.append(UInt32(offset)) }
        self.table = table
    }

    subscript(_ character: Int) -> Int {
        guard let table else { return start + min(character, count) }
        return start + (character < table.count ? Int(table[character]) : count)
    }
}
