import Expressions
import FlowEngine
import FlowLanguage

/// Puts a block's evaluated parameters into a request.
struct HTTPRequestWriter {
    /// Bytes of a request's body and of its URL: what is sent stands in the journal too.
    static let bodyBytesMax = 1 << 20, urlBytesMax = 8 << 10
    /// Bytes of all headers together; servers take 8 KiB to 64 KiB.
    static let headerBytesMax = 16 << 10

    private let call: CommandCall

    init(_ call: CommandCall) { self.call = call }

    func request() throws(BlockFailure) -> OutsideRequest {
        var headers = try headers()
        let body = try body(&headers)
        var target = try target()
        if let query = call.data["query"]?.mapValue, !query.isEmpty {
            target += (target.contains("?") ? "&" : "?") + (try Self.pairs(query, of: "query"))
        }
        guard target.utf8.count <= Self.urlBytesMax else { throw Self.invalid("path", "is too long with its query") }
        return OutsideRequest(
            connection: call.connection.name,
            method: call.data["method"]?.stringValue ?? "GET",
            path: target,
            headers: headers,
            body: body,
            effect: call.effect
        )
    }

    // MARK: Path

    private func target() throws(BlockFailure) -> String {
        if let url = call.data["url"], !url.isNull {
            let text = try Self.text(of: url, name: "url")
            guard text.hasPrefix("https://") || text.hasPrefix("http://") else {
                throw Self.invalid("url", "does not begin with https:// or http://")
            }
            return text
        }
        guard let path = call.data["path"], !path.isNull else { return "/" }
        let text = try Self.text(of: path, name: "path")
        guard text.hasPrefix("/"), !text.hasPrefix("//") else {
            throw Self.invalid("path", "does not begin with one '/'")
        }
        return text
    }

    /// A text as it is; a list of texts and of lists of one, the latter encoded (`ValueTemplate.pieces`).
    private static func text(of value: Value, name: String) throws(BlockFailure) -> String {
        var text = ""
        switch value {
        case .string(let whole): text = encoded(whole, keeping: reserved + "%")
        case .list(let pieces):
            for piece in pieces {
                switch piece {
                case .string(let literal): text += encoded(literal, keeping: reserved + "%")
                case .list(let values):
                    guard let value = values.first, let part = scalarText(value), !part.isEmpty else {
                        throw invalid(name, "holds an expression that gave no text: the request would go elsewhere")
                    }
                    text += encoded(part, keeping: "")
                default: throw invalid(name, "is no text")
                }
            }
        default: throw invalid(name, "is no text")
        }
        let path = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
        guard !text.contains("#") else { throw invalid(name, "holds a '#'") }
        let steps = path.prefix { $0 != "?" }.split(separator: "/")
        guard !steps.contains(where: { [".", ".."].contains($0.lowercased().replacing("%2e", with: ".")) }) else {
            throw invalid(name, "holds a step such as '..'")
        }
        return text
    }

    // MARK: Headers and body

    private func headers() throws(BlockFailure) -> [String: String] {
        var headers: [String: String] = [:]
        var bytes = 0
        for (key, value) in call.data["headers"]?.mapValue ?? [:] {
            guard let name = key.stringValue?.lowercased(), HTTPHeaderName.isToken(name),
                !HTTPHeaderName.refused.contains(name)
            else { throw Self.invalid("headers", "holds a name that is not an author's to set") }
            guard let text = value.stringValue, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw Self.invalid("headers", "'\(name)' holds a line break or another control character")
            }
            bytes += name.utf8.count + text.utf8.count
            headers[name] = text
        }
        guard bytes <= Self.headerBytesMax else { throw Self.invalid("headers", "is too large") }
        return headers
    }

    private func body(_ headers: inout [String: String]) throws(BlockFailure) -> [UInt8] {
        let bytes: [UInt8]
        var type = headers["content-type"]
        let isForm = type?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
        switch call.data["body"] ?? .null {
        case .null: return []
        case .string(let text):
            type = type ?? "text/plain; charset=utf-8"
            bytes = Array(text.utf8)
        case .bytes(let content):
            type = type ?? "application/octet-stream"
            bytes = content
        case .map(let map) where isForm: bytes = Array(try Self.pairs(map, of: "body").utf8)
        case let value:
            type = type ?? "application/json"
            do throws(JSONError) {
                bytes = try JSON.encode(value)
            } catch {
                throw Self.invalid("body", "cannot be written as JSON")
            }
        }
        headers["content-type"] = type
        guard bytes.count <= Self.bodyBytesMax else {
            throw Self.invalid("body", "is larger than \(Self.bodyBytesMax) bytes")
        }
        return bytes
    }

    /// `a=1&b=2`; a list gives its name several times, a null leaves it out.
    private static func pairs(_ map: ValueMap, of name: String) throws(BlockFailure) -> String {
        var pairs: [String] = []
        for (key, value) in map {
            guard let field = key.stringValue else { throw invalid(name, "has a name that is no text") }
            for item in value.listValue ?? [value] where !item.isNull {
                guard let text = scalarText(item) else { throw invalid(name, "'\(field)' is no text or number") }
                pairs.append("\(encoded(field, keeping: ""))=\(encoded(text, keeping: ""))")
            }
        }
        return pairs.joined(separator: "&")
    }

    // MARK: Text

    private static func scalarText(_ value: Value) -> String? {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        case .uint(let number): String(number)
        case .bool(let bool): bool ? "true" : "false"
        case .double(let number): Int64(exactly: number).map { String($0) } ?? String(number)
        case .timestamp(let timestamp): timestamp.rfc3339
        case .null, .bytes, .list, .map, .duration, .type, .optional: nil
        }
    }

    /// What stands for itself in the text of a URL that the author wrote.
    private static let reserved = "/:?#[]@!$&'()*+,;="

    /// Percent-encoded but for RFC 3986's unreserved characters and `kept`.
    private static func encoded(_ text: String, keeping kept: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            let isUnreserved =
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || (0x30...0x39).contains(byte)
                || "-._~".utf8.contains(byte)
            if isUnreserved || kept.utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func invalid(_ parameter: String, _ message: String) -> BlockFailure {
        BlockFailure(
            code: "invalid_parameter",
            type: "invalid_request",
            message: "http-request: '\(parameter)' \(message)",
            param: parameter
        )
    }
}
