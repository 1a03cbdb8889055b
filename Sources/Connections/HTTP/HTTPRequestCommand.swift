package import Expressions
package import FlowEngine
package import FlowLanguage
import HTTPTransport

/// One HTTP request as a block: written down, sent, answered; redirects of requests that only read are followed.
package struct HTTPRequestCommand: Command {
    package static let declaration = CommandDeclaration(
        name: "request",
        summary: "Sends an HTTP request and gives its answer.",
        parameters: [
            ParameterDeclaration(
                name: "method",
                type: .string,
                isRequired: true,
                allowed: HTTPMethod.allCases.map(\.rawValue)
            ),
            ParameterDeclaration(name: "path", type: .dynamic, summary: "Behind the connection's URL"),
            ParameterDeclaration(name: "url", type: .dynamic, summary: "Whole, for a connection without one"),
            ParameterDeclaration(name: "headers", type: .map(.string, .string)),
            ParameterDeclaration(name: "query", type: .map(.string, .dynamic)),
            ParameterDeclaration(name: "body", type: .dynamic),
            ParameterDeclaration(name: "expect", type: .list(.dynamic), summary: "Statuses; absent: 2xx"),
        ],
        output: RecordType(
            name: "http answer",
            fields: [
                "status": RecordType.Field(.int), "headers": RecordType.Field(.map(.string, .string)),
                "body": RecordType.Field(.dynamic),
            ]
        ),
        effect: .once
    )

    /// Redirects of one request, as browsers have it within an order of magnitude; each is sent and recorded by itself.
    static let redirectsMax = 5

    package var declaration: CommandDeclaration { Self.declaration }

    package init() {}

    package func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        do throws(BlockFailure) {
            return .send(try HTTPRequestWriter(call).request())
        } catch {
            return .fail(error)
        }
    }

    package func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        do throws(BlockFailure) {
            if isExpected(answer.status, by: call.data["expect"]) {
                return .succeed(try HTTPAnswerReader.output(of: answer))
            }
            if let next = try redirected(answer, from: request, call) { return .send(next) }
            throw BlockFailure(
                code: "unexpected_status",
                type: "http",
                message: "\(request.method) was answered with \(answer.status)",
                status: answer.status,
                retryable: answer.status == 408 || answer.status == 425 || answer.status == 429,
                requestID: answer.headers["x-request-id"].map { String($0.prefix(200)) }
            )
        } catch {
            return .fail(error)
        }
    }

    package func expects(_ answer: OutsideAnswer, by data: ValueMap) -> Bool {
        guard let expect = data["expect"], expect != .null else { return false }
        return isExpected(answer.status, by: expect)
    }

    private func isExpected(_ status: Int, by expect: Value?) -> Bool {
        guard let entries = expect?.listValue else { return (200...299).contains(status) }
        return entries.contains { entry in
            switch entry {
            case .int(let number): number == status
            case .string(let text): text == "\(status / 100)xx"
            default: false
            }
        }
    }

    /// The request to where the answer points; nil when it does not, or when it must not be followed unasked.
    ///
    /// Only what reads is followed: another host must not be told to do something that was meant for this one.
    private func redirected(
        _ answer: OutsideAnswer,
        from request: OutsideRequest,
        _ call: CommandCall
    ) throws(BlockFailure) -> OutsideRequest? {
        guard [301, 302, 303, 307, 308].contains(answer.status), request.effect == .safe,
            request.method == "GET" || request.method == "HEAD", let location = answer.headers["location"]
        else { return nil }
        guard call.exchanges.count < Self.redirectsMax else {
            throw Self.refusal("too_many_redirects", "more than \(Self.redirectsMax) redirects", answer)
        }
        let base = HTTPConnection(settings: call.connection.settings).url
        let current = request.path.hasPrefix("/") ? (base ?? "") + request.path : request.path
        let origins: (HTTPOrigin, HTTPOrigin)
        let target: String
        do throws(HTTPError) {
            target = try HTTPOrigin.resolve(location, from: current)
            origins = (try HTTPOrigin(ofURL: current), try HTTPOrigin(ofURL: target))
        } catch {
            throw Self.refusal("malformed_redirect", "the redirect leads to no usable URL", answer)
        }
        guard origins.0.scheme == "http" || origins.1.scheme == "https" else {
            throw Self.refusal("insecure_redirect", "the redirect leads from https to http", answer)
        }
        var next = request
        next.path = target
        if origins.0 != origins.1 {
            // What was meant for one host is not shown to another.
            next.headers = request.headers.filter { ["accept", "accept-language"].contains($0.key) }
        }
        return next
    }

    private static func refusal(_ code: String, _ message: String, _ answer: OutsideAnswer) -> BlockFailure {
        BlockFailure(code: code, type: "http", message: message, status: answer.status)
    }
}
