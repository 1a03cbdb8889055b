import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Foundation

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

    private struct Known {
        var bytes: [UInt8]
        var placeholder: String
    }

    /// The longest first: one may be a part of another.
    private var known: [Known] = []
    /// The first bytes of those, for a fast look.
    private var starts = [Bool](repeating: false, count: 256)
    private var placeholders: [[UInt8]: String] = [:]

    init(_ secrets: [String: Secret]) {
        for (name, secret) in secrets where !name.hasSuffix(".publishableKey") {
            let text = secret.reveal()
            let parts = [text] + text.split { $0 == "," || $0.isWhitespace }.map(String.init)
            for part in parts { add(part, as: "redacted-\(name)") }
        }
        known.sort { $0.bytes.count > $1.bytes.count }
        for secret in known { starts[Int(secret.bytes[0])] = true }
    }

    private mutating func add(_ text: String, as placeholder: String) {
        var forms = [Array(text.utf8), Self.percentEncoded(text)]
        // Whole groups of three bytes: what follows the secret changes the rest.
        let base64 = Data(text.utf8.prefix(text.utf8.count / 3 * 3)).base64EncodedString()
        if base64.utf8.count >= 2 * Self.leastLength { forms.append(Array(base64.utf8)) }
        // As JSON writes it in a body's text.
        if let quoted = try? JSON.encode(.string(text)) { forms.append(Array(quoted.dropFirst().dropLast())) }
        for form in Set(forms) where form.count >= Self.leastLength {
            known.append(Known(bytes: form, placeholder: placeholder))
        }
    }

    private static func percentEncoded(_ text: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return text.utf8.flatMap { byte -> [UInt8] in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            return isPlain ? [byte] : [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
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
        return scrubRecognised(scrubKnown(bytes))
    }

    private func scrubKnown(_ bytes: [UInt8]) -> [UInt8] {
        guard !known.isEmpty, bytes.contains(where: { starts[Int($0)] }) else { return bytes }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        search: while index < bytes.count {
            if starts[Int(bytes[index])] {
                for secret in known where bytes[index...].starts(with: secret.bytes) {
                    result += secret.placeholder.utf8
                    index += secret.bytes.count
                    continue search
                }
            }
            result.append(bytes[index])
            index += 1
        }
        return result
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
    private mutating func placeholder(of secret: [UInt8]) -> String {
        if let known = placeholders[secret] { return known }
        let placeholder = "redacted-\(placeholders.count + 1)"
        placeholders[secret] = placeholder
        return placeholder
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
