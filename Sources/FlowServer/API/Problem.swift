package import Expressions
import FlowEngine
import HTTPTypes
import NIOCore

/// An answer that says why a request was not done: problem details as of RFC 9457.
package struct Problem: Error, Sendable, Hashable {
    /// 400–599.
    package var status: Int
    /// What a program branches on, such as `order_closed`; the type is `urn:runnel:problem:` and this.
    package var code: String
    /// One sentence for a person; never quotes the request or names an inner part.
    package var detail: String
    /// Seconds after which asking again makes sense.
    package var retryAfter: Int?
    /// Methods that the resource has, for 405.
    package var allow: [String]
    /// Further members, such as `errors` or `run`.
    package var members: ValueMap
    /// Whom this kept out and why, for the audit; never sent.
    var keptOut: KeptOut?

    /// A caller who was refused.
    struct KeptOut: Sendable, Hashable {
        /// Anonymous for one who showed no good token.
        var caller: Caller
        var code: String
    }

    package init(
        _ status: Int,
        _ code: String,
        _ detail: String,
        retryAfter: Int? = nil,
        allow: [String] = [],
        members: ValueMap = ValueMap()
    ) {
        self.status = (400...599).contains(status) ? status : 500
        self.code = code
        self.detail = detail
        self.retryAfter = retryAfter
        self.allow = allow
        self.members = members
    }

    /// What the type says in words, the same for every occurrence (RFC 9457, 3.1.4): `order_closed` is "Order closed".
    private var title: String {
        let words = code.split(whereSeparator: { "_-.".contains($0) }).joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    /// The JSON object that is sent; `instance` names this occurrence: `urn:runnel:request:…`.
    package func body(instance: String) -> ValueMap {
        var body: ValueMap = [
            "type": .string("urn:runnel:problem:\(code)"),
            "title": .string(title),
            "status": .int(Int64(status)),
            "code": .string(code),
            "detail": .string(detail),
            "instance": .string(instance),
        ]
        for (key, value) in members where body[key] == nil { body[key] = value }
        return body
    }

    /// The whole answer.
    func answer(requestID: String) -> WholeAnswer {
        var headers = HTTPFields()
        headers[.contentType] = "application/problem+json"
        if let retryAfter { headers[.retryAfter] = String(retryAfter) }
        if !allow.isEmpty { headers[.allow] = allow.joined(separator: ", ") }
        if status == 401 {
            // RFC 6750: a caller who showed a token is told that it is the token's fault.
            let error = code == Self.invalidToken.code ? ", error=\"invalid_token\"" : ""
            headers[.wwwAuthenticate] = "Bearer realm=\"runnel\"" + error
        }
        // Members are JSON already or plain text, so nothing is left that could not be written; if a flow's own
        // failure text were beyond the limits, the status alone still tells the story.
        let bytes = (try? JSON.encode(.map(body(instance: "urn:runnel:request:\(requestID)")))) ?? []
        return WholeAnswer(
            status: HTTPResponse.Status(code: status),
            headers: headers,
            body: ByteBuffer(bytes: bytes)
        )
    }
}

extension Problem {
    static let notFound = Problem(404, "not_found", "There is nothing here.")
    static let overloaded = Problem(503, "overloaded", "Too many requests are in progress.", retryAfter: 1)
    static let stopping = Problem(503, "stopping", "The server is stopping.", retryAfter: 2)
    static let notReady = Problem(503, "not_ready", "The server is not ready yet.", retryAfter: 1)
    static let invalidToken = Problem(401, "invalid_token", "The token is not known or was revoked.")
        .keepingOut(.anonymous, because: "invalid_token")

    /// The same answer, which the audit is told of.
    func keepingOut(_ caller: Caller, because code: String) -> Problem {
        var problem = self
        problem.keptOut = KeptOut(caller: caller, code: code)
        return problem
    }

    /// Refuses a caller: 401 asks an anonymous one for a token, 403 tells a known one that it is of no use.
    static func forbidden(to caller: Caller) -> Problem {
        caller.id == nil
            ? Problem(401, "token_required", "This needs a token: Authorization: Bearer …")
                .keepingOut(caller, because: "token_required")
            : Problem(403, "forbidden", "None of the caller's roles is allowed to do this.")
                .keepingOut(caller, because: "forbidden")
    }

    static func methodNotAllowed(_ allow: [String]) -> Problem {
        Problem(405, "method_not_allowed", "Allowed here: \(allow.joined(separator: ", ")).", allow: allow)
    }

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(413, "body_too_large", "A body has at most \(limit) bytes here.")
    }

    static func malformedJSON(_ error: JSONError) -> Problem {
        Problem(400, "malformed_json", "\(error.message), at byte \(error.offset).")
    }
}
