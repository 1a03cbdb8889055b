import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// Takes secrets out of what a capsule holds, each in favour of a placeholder that is the same everywhere in it.
///
/// Known are the app's own secrets, by name; recognised are keys of services, tokens, client secrets of Stripe and
/// JSON web tokens. Headers that carry credentials or signatures go as a whole.
struct SecretScrubber {
    /// Shorter texts stand in other words by chance; nothing that short is a key.
    private static let leastLength = 6
    private static let hiddenHeaders: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token",
    ]

    /// The app's own secrets, by name.
    private let known: SecretCover
    private var placeholders: [[UInt8]: String] = [:]

    init(_ secrets: [String: Secret]) {
        var parts: [(text: String, replacement: String)] = []
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) where !name.hasSuffix(".publishableKey") {
            let text = secret.reveal()
            let texts = [text] + text.split { $0 == "," || $0.isWhitespace }.map(String.init)
            parts += texts.map { ($0, "redacted-\(name)") }
        }
        known = SecretCover(parts, leastLength: Self.leastLength)
    }

    // MARK: Values

    mutating func scrub(_ value: Value) -> Value { scrub(value, isHeaders: false) }

    private mutating func scrub(_ value: Value, isHeaders: Bool) -> Value {
        switch value {
        case .string(let text): return .string(scrub(text))
        case .bytes(let bytes): return .bytes(scrub(bytes))
        case .list(let items): return .list(items.map { scrub($0, isHeaders: false) })
        case .map(let map): return .map(scrub(map, isHeaders: isHeaders))
        case .optional(let optional):
            return .optional(optional.value.map { OptionalValue(scrub($0, isHeaders: false)) } ?? .none)
        case .null, .bool, .int, .uint, .double, .timestamp, .duration, .type: return value
        }
    }

    mutating func scrub(_ map: ValueMap, isHeaders: Bool = false) -> ValueMap {
        var scrubbed = ValueMap(minimumCapacity: map.count)
        for (key, value) in map {
            guard let name = key.stringValue else {
                scrubbed[key] = scrub(value, isHeaders: false)
                continue
            }
            if isHeaders, Self.isHidden(name) { continue }
            scrubbed[scrub(name)] = scrub(value, isHeaders: name.lowercased() == "headers")
        }
        return scrubbed
    }

    private static func isHidden(_ header: String) -> Bool {
        let name = header.lowercased()
        return hiddenHeaders.contains(name) || name.hasSuffix("signature") || name.contains("-signature-")
    }

    mutating func scrub(_ headers: [String: String]) -> [String: String] {
        var scrubbed: [String: String] = [:]
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) where !Self.isHidden(name) {
            scrubbed[name] = scrub(value)
        }
        return scrubbed
    }

    mutating func scrub(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let scrubbed = scrub(bytes)
        return scrubbed == bytes ? text : String(decoding: scrubbed, as: UTF8.self)
    }

    mutating func scrub(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= Self.leastLength else { return bytes }
        return scrubRecognised(known.cover(bytes))
    }

    // MARK: What looks like a secret

    private mutating func scrubRecognised(_ bytes: [UInt8]) -> [UInt8] {
        let ranges = SecretShape.ranges(in: bytes)
        guard !ranges.isEmpty else { return bytes }
        var result: [UInt8] = []
        var index = 0
        for range in ranges where range.lowerBound >= index {
            result += bytes[index..<range.lowerBound]
            result += placeholder(of: Array(bytes[range])).utf8
            index = range.upperBound
        }
        return result + bytes[index...]
    }

    /// The same for the same text; numbered in the order in which a capsule shows them.
    private mutating func placeholder(of bytes: [UInt8]) -> String {
        let secret = Self.withoutBreaks(bytes)
        if let known = placeholders[secret] { return known }
        let placeholder = "redacted-\(placeholders.count + 1)"
        placeholders[secret] = placeholder
        return placeholder
    }
}

extension SecretScrubber {
    /// A private key has several lines, whose breaks JSON writes as `\n`: it is the same key.
    private static func withoutBreaks(_ bytes: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let isEscape = bytes[index] == UInt8(ascii: "\\")
            if isEscape, index + 1 < bytes.count, "nr".utf8.contains(bytes[index + 1]) {
                index += 2
                continue
            }
            if bytes[index] > 0x20, !isEscape { kept.append(bytes[index]) }
            index += 1
        }
        return kept
    }
}

// MARK: A capsule's parts

extension SecretScrubber {
    mutating func scrub(_ run: RecordedRun) -> RecordedRun {
        var run = run
        var start = run.record.start
        start.input = scrub(start.input)
        start.trigger = scrub(start.trigger)
        start.idempotencyKey = nil
        start.lane = start.lane.map { scrub($0) }
        start.caller.id = start.caller.id.map { scrub($0) }
        run.record.start = start
        run.record.answer = run.record.answer.map { scrub($0) }
        run.record.failure = run.record.failure.map { scrub($0) }
        run.record.trace = scrub(run.record.trace)
        run.entries = run.entries.map { scrub($0) }
        return run
    }

    mutating func scrub(_ delivery: Delivery) -> Delivery {
        var delivery = delivery
        delivery.body = scrub(delivery.body)
        delivery.eventID = scrub(delivery.eventID)
        delivery.object = delivery.object.map { scrub($0) }
        return delivery
    }

    private mutating func scrub(_ answer: RunAnswer) -> RunAnswer {
        RunAnswer(
            status: answer.status,
            headers: scrub(answer.headers, isHeaders: true),
            body: scrub(answer.body)
        )
    }

    private mutating func scrub(_ failure: BlockFailure) -> BlockFailure {
        var failure = failure
        // A flow's own failure has whatever code its author computed.
        failure.code = scrub(failure.code)
        failure.declineCode = failure.declineCode.map { scrub($0) }
        failure.requestID = failure.requestID.map { scrub($0) }
        failure.message = scrub(failure.message)
        failure.param = failure.param.map { scrub($0) }
        return failure
    }

    private mutating func scrub(_ trace: [TraceStep]) -> [TraceStep] {
        trace.map { step in
            var step = step
            step.note = step.note.map { scrub($0) }
            return step
        }
    }

    private mutating func scrub(_ entry: JournalEntry) -> JournalEntry {
        var entry = entry
        entry.input = scrub(entry.input)
        entry.output = scrub(entry.output)
        entry.failure = entry.failure.map { scrub($0) }
        entry.trace = scrub(entry.trace)
        entry.accesses = entry.accesses.map { $0.map { scrub($0) } }
        if let receipt = entry.receipt {
            let answer = OutsideAnswer(
                status: receipt.answer.status,
                headers: scrub(receipt.answer.headers),
                body: scrub(receipt.answer.body)
            )
            entry.receipt = Receipt(answer: answer, accesses: receipt.accesses.map { scrub($0) })
        }
        return entry
    }

    private mutating func scrub(_ access: StoreAccess) -> StoreAccess {
        switch access {
        case .find(let table, let rows): .find(table: table, rows: rows.map { scrub($0) })
        case .insert(let table, let row): .insert(table: table, row: scrub(row))
        case .update(let table, let before): .update(table: table, before: before.map { scrub($0) })
        case .delete(let table, let before): .delete(table: table, before: before.map { scrub($0) })
        case .deliveries(let deliveries): .deliveries(deliveries.map { scrub($0) })
        case .refused(let table, let error):
            .refused(table: table, StoreError(error.code, scrub(error.message), column: error.column))
        case .tooMany, .setting, .run, .started: access
        }
    }
}
