import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// A JSON answer.
    ///
    /// - Throws: `JSONError` for a value without a JSON form, such as NaN.
    static func json(
        _ value: Value,
        status: Int = 200,
        headers: HTTPFields = [:],
        limits: JSONLimits = .standard
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = headers[.contentType] ?? "application/json"
        let bytes = try JSON.encode(value, limits: limits)
        return Response(
            status: HTTPResponse.Status(code: status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    /// What a run answers its caller: its output, its own answer to a web hook, or its failure.
    ///
    /// `isFailure`: the engine wrote it. A flow's own answer goes as it is, whatever it looks like.
    static func answer(_ answer: RunAnswer, run: RunID, isFailure: Bool) throws -> Response {
        guard (200...599).contains(answer.status) else {
            throw Problem(500, "internal", "The flow answered with an impossible status.")
        }
        if isFailure { throw Problem(failure: answer, run: run) }
        var headers = HTTPFields()
        for (key, value) in answer.headers {
            guard let text = key.stringValue, let name = HTTPField.Name(text), let content = value.stringValue,
                !HTTPHeaderName.serversOwn.contains(name.canonicalName), HTTPField.isValidValue(content)
            else { continue }
            headers[name] = content
        }
        let status = HTTPResponse.Status(code: answer.status)
        if answer.body.isNull || answer.status == 204 || answer.status == 304 {
            return Response(status: status, headers: headers)
        }
        if let type = headers[.contentType], !type.lowercased().hasPrefix("application/json") {
            // What the author made is sent as it is: a text, or the bytes of an image.
            let bytes: ByteBuffer? =
                switch answer.body {
                case .string(let text): ByteBuffer(string: text)
                case .bytes(let bytes): ByteBuffer(bytes: bytes)
                default: nil
                }
            if let bytes {
                return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
            }
        }
        return try .json(answer.body, status: answer.status, headers: headers)
    }

    /// The run goes on; its caller asks again at `/runs/<id>`.
    static func accepted(_ run: RunID) throws -> Response {
        try .json(
            ["run": .int(run.rawValue)],
            status: 202,
            headers: [.location: "/runs/\(run)", .retryAfter: "1"]
        )
    }
}
