package import Expressions
package import FlowEngine
import HTTPTransport

/// What of an answer goes into the journal, and what a flow sees of it.
package enum HTTPAnswerReader {
    /// Header fields kept of one answer, and bytes of one value: the rest is cut, no flow needs it.
    static let fieldsMax = 64, fieldBytesMax = 4 << 10
    /// Session cookies are credentials; the others no longer describe an unfolded body.
    private static let leftOut: Set<String> = [
        "set-cookie", "set-cookie2", "content-encoding", "content-length", "transfer-encoding", "connection",
    ]

    /// Covers first and cuts then: of a secret on the edge a part would stay.
    static func answer(from response: HTTPResponse, covering secrets: [String]) -> OutsideAnswer {
        let cover = SecretCover(secrets)
        var headers: [String: String] = [:]
        for (name, value) in response.headers.pairs {
            let name = name.lowercased()
            guard !leftOut.contains(name), headers.count < fieldsMax || headers[name] != nil else { continue }
            let joined = headers[name].map { "\($0), \(value)" } ?? value
            headers[name] = joined
        }
        for (name, value) in headers {
            headers[name] = String(decoding: cover.cover(value).utf8.prefix(fieldBytesMax), as: UTF8.self)
        }
        return OutsideAnswer(status: response.status, headers: headers, body: cover.cover(response.body))
    }

    /// `status`, `headers` and `body`: JSON as values, text as text, anything else as bytes, nothing as null.
    package static func output(of answer: OutsideAnswer) throws(BlockFailure) -> ValueMap {
        var headers = ValueMap(minimumCapacity: answer.headers.count)
        for (name, value) in answer.headers.sorted(by: { $0.key < $1.key }) { headers[name] = .string(value) }
        return ["status": .int(Int64(answer.status)), "headers": .map(headers), "body": try body(of: answer)]
    }

    private static func body(of answer: OutsideAnswer) throws(BlockFailure) -> Value {
        guard !answer.body.isEmpty else { return .null }
        let type = answer.headers["content-type"]?.prefix { $0 != ";" }.lowercased() ?? ""
        let essence = String(type.filter { !$0.isWhitespace })
        if essence == "application/json" || essence.hasSuffix("+json") {
            do throws(JSONError) {
                return try JSON.parse(answer.body)
            } catch {
                throw BlockFailure(
                    code: "malformed_body",
                    type: "http",
                    message: "the answer \(fault(error.code))",
                    status: answer.status
                )
            }
        }
        return String(validating: answer.body, as: UTF8.self).map(Value.string) ?? .bytes(answer.body)
    }

    private static func fault(_ code: JSONError.Code) -> String {
        switch code {
        case .syntax, .encoding, .notJSON: "says it is JSON and is not"
        case .numberRange: "is JSON with a number that 64 bits do not hold"
        case .duplicateKey: "is JSON that gives a name twice in one object"
        case .tooLarge: "is JSON that is too deep or too large"
        }
    }
}
