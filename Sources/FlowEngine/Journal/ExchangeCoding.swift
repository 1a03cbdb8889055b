package import Expressions
import FlowLanguage

// How requests and answers stand in the journal: as values that a reader can make sense of, without loss.

extension OutsideRequest {
    package var journalValue: Value {
        [
            "connection": .string(connection), "method": .string(method), "path": .string(path),
            "headers": headerValue(headers), "body": bodyValue(body), "effect": .string(effect.rawValue),
            "key": key.map(Value.string) ?? .null,
        ]
    }

    /// Reads a recorded request back; nil when the value is none.
    package init?(_ value: Value) {
        guard
            let connection = value["connection"]?.stringValue, let method = value["method"]?.stringValue,
            let path = value["path"]?.stringValue, let headers = headerFields(of: value["headers"]),
            let body = bodyBytes(of: value["body"]),
            let effect = value["effect"]?.stringValue.flatMap(Effect.init(rawValue:))
        else { return nil }
        self.init(
            connection: connection,
            method: method,
            path: path,
            headers: headers,
            body: body,
            effect: effect,
            key: value["key"]?.stringValue
        )
    }
}

extension OutsideAnswer {
    package var journalValue: Value {
        ["status": .int(Int64(status)), "headers": headerValue(headers), "body": bodyValue(body)]
    }

    /// Reads a recorded answer back; nil when the value is none.
    package init?(_ value: Value) {
        guard
            let status = value["status"]?.intValue, let headers = headerFields(of: value["headers"]),
            let body = bodyBytes(of: value["body"])
        else { return nil }
        self.init(status: Int(status), headers: headers, body: body)
    }
}

/// Text where the bytes are text, so that a journal can be read.
private func bodyValue(_ bytes: [UInt8]) -> Value {
    String(validating: bytes, as: UTF8.self).map(Value.string) ?? .bytes(bytes)
}

private func bodyBytes(of value: Value?) -> [UInt8]? {
    switch value {
    case .string(let text): Array(text.utf8)
    case .bytes(let bytes): bytes
    default: nil
    }
}

private func headerValue(_ headers: [String: String]) -> Value {
    var map = ValueMap(minimumCapacity: headers.count)
    for (name, value) in headers.sorted(by: { $0.key < $1.key }) { map[name] = .string(value) }
    return .map(map)
}

private func headerFields(of value: Value?) -> [String: String]? {
    guard let map = value?.mapValue else { return nil }
    var headers: [String: String] = [:]
    for (key, value) in map {
        guard let name = key.stringValue, let text = value.stringValue else { return nil }
        headers[name] = text
    }
    return headers
}
