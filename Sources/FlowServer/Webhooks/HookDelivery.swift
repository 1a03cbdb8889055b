import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// A delivery to a web hook as its flow sees it: `trigger.body`, `headers`, `query`, `method`, `receivedAt`.
struct HookDelivery: Sendable {
    /// All of a delivery but its body.
    struct Head: Sendable {
        /// Credentials: never in a run's journal.
        private static let hidden: Set<HTTPField.Name> = [.authorization, .proxyAuthorization, .cookie]

        let method: String
        /// Lower-case names; repeated ones joined by a comma.
        let headers: [String: String]
        let query: ValueMap
        let mediaType: String

        init(_ request: Request) {
            method = request.method.rawValue
            var headers: [String: String] = [:]
            for field in request.headers where !Self.hidden.contains(field.name) {
                let name = field.name.canonicalName
                headers[name] = headers[name].map { "\($0), \(field.value)" } ?? field.value
            }
            self.headers = headers
            query = HookDelivery.map(of: request.uri.queryParameters.map { (String($0.key), String($0.value)) })
            mediaType = RequestReader.mediaType(of: request.headers)
        }
    }

    let head: Head
    let body: Value
    let receivedAt: Timestamp

    /// Reads the body, which was found genuine before.
    init(_ head: Head, bytes: [UInt8], receivedAt: Timestamp, reader: RequestReader) throws {
        self.head = head
        self.receivedAt = receivedAt
        body = try Self.body(bytes, mediaType: head.mediaType, reader: reader)
    }

    /// What expressions see as `trigger`.
    var trigger: Value {
        var headerMap = ValueMap()
        for (name, value) in head.headers.sorted(by: { $0.key < $1.key }) { headerMap[name] = .string(value) }
        return [
            "body": body, "headers": .map(headerMap), "query": .map(head.query),
            "method": .string(head.method),
            "receivedAt": .timestamp(receivedAt),
        ]
    }

    /// The sender's id of the delivery, as the trigger's `eventId` says.
    ///
    /// - Throws: `Problem` 400 when the delivery has none: taking it would let a repetition through later.
    func eventID(by expression: Expression) throws -> String {
        var values = [Value?](repeating: nil, count: ScopeSlot.allCases.count)
        values[ScopeSlot.trigger.rawValue] = trigger
        let missing = Problem(400, "event_id_missing", "The delivery does not carry the id that this hook needs.")
        let value: Value
        do {
            value = try expression.evaluate(in: Bindings(values))
        } catch {
            throw missing
        }
        switch value {
        case .string(let text) where (1...255).contains(text.utf8.count): return text
        case .int(let number): return String(number)
        case .uint(let number): return String(number)
        default: throw missing
        }
    }

    private static func body(_ bytes: [UInt8], mediaType: String, reader: RequestReader) throws -> Value {
        if bytes.isEmpty { return .null }
        if mediaType == "application/json" || (mediaType.hasPrefix("application/") && mediaType.hasSuffix("+json")) {
            return try reader.json(bytes)
        }
        if mediaType == "application/x-www-form-urlencoded" { return .map(try HookForm.fields(of: bytes)) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Problem(400, "malformed_text", "The body is not UTF-8.")
        }
        if mediaType.hasPrefix("text/") { return .string(text) }
        throw Problem(415, "unsupported_body", "A hook takes JSON, form and text bodies, and their Content-Type.")
    }

    /// The first of several values of a name counts.
    fileprivate static func map(of pairs: [(name: String, value: String)]) -> ValueMap {
        var map = ValueMap()
        for (name, value) in pairs where map[name] == nil { map[name] = .string(value) }
        return map
    }
}
