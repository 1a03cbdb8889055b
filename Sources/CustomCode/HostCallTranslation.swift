import CodeFrames
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import HTTPTransport

/// Turns what code asks for into what the engine does; what makes no sense is refused, the same way each time.
struct HostCallTranslation: Sendable {
    let credentials: ExplicitCredentials
    /// Those of service `http` that name their hosts: what `fetch` reaches.
    private let hosts: [(connection: String, destinations: HTTPDestinations)]
    /// Those of service `stripe`: `new Stripe(name)` is the client of one.
    private let clients: Set<String>

    init(credentials: ExplicitCredentials, connections: [ConnectionDeclaration]) {
        self.credentials = credentials
        hosts = connections.filter { $0.service == "http" }.compactMap { connection in
            let settings = HTTPConnection(settings: connection.settings)
            guard settings.url != nil || !settings.allow.isEmpty else { return nil }
            return (connection.name, HTTPDestinations(settings))
        }
        clients = Set(connections.filter { $0.service == "stripe" }.map(\.name))
    }

    /// The call, with what must not stand in a journal replaced by its name.
    func call(_ name: String, _ arguments: [Value]) -> HostCall {
        var call = HostCall(name: name, arguments: arguments)
        if name == "stripe", arguments.count == 4, case .map(var options) = arguments[3], let key = options["apiKey"] {
            let isClient = key.stringValue.map { clients.contains($0) } ?? false
            if !isClient { options["apiKey"] = .string(key.stringValue.flatMap { credentials.keep($0) } ?? "") }
            call.arguments[3] = .map(options)
        }
        return call
    }

    func work(of call: HostCall, _ job: CodeJob) -> Result<CodeQuestion.Work, BlockFailure> {
        switch call.name {
        case "stripe": return stripe(call.arguments, job).map { .send($0) }
        case "fetch": return fetch(call.arguments).map { .send($0) }
        case "runFlow": return runFlow(call.arguments)
        case let name where name.hasPrefix("records."):
            return .success(.records(operation: String(name.dropFirst(8)), arguments: call.arguments))
        default: return .failure(.code("code-call-unknown", "there is no host call '\(call.name.prefix(40))'"))
        }
    }

    private func runFlow(_ arguments: [Value]) -> Result<CodeQuestion.Work, BlockFailure> {
        guard arguments.count == 3, let flow = arguments[0].stringValue, let input = arguments[1].mapValue,
            let mode = arguments[2].stringValue.flatMap(RunFlowBlock.Mode.init(rawValue:))
        else {
            return .failure(.code("code-call-invalid", "runFlow(flow, input, { mode: 'wait' or 'start' })"))
        }
        return .success(.runFlow(flow: flow, input: input, mode: mode))
    }

    // MARK: fetch

    /// By the connection that names the host, with its credentials where the host is its own.
    private func fetch(_ arguments: [Value]) -> Result<OutsideRequest, BlockFailure> {
        guard
            arguments.count == 2, let url = arguments[0].stringValue, let options = arguments[1].mapValue,
            let method = options["method"]?.stringValue.flatMap(HTTPMethod.init(rawValue:)),
            let fields = options["headers"]?.mapValue, url.utf8.count <= 8 << 10,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }),
            let origin = try? HTTPOrigin(ofURL: url)  // What is no URL has no host either.
        else { return .failure(.code("code-call-invalid", "fetch takes a URL and a method of HTTP")) }
        guard let host = hosts.first(where: { $0.destinations.allow(origin) }) else {
            return .failure(
                .code("code-fetch-refused", "\(origin.host) is no host of a connection of service http in app.yaml")
            )
        }
        var headers: [String: String] = [:]
        for (key, value) in fields {
            guard let name = key.stringValue, HTTPHeaderName.isToken(name), let text = value.stringValue,
                text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), headers.count < 64
            else { return .failure(.code("code-call-invalid", "fetch: a header is not one of HTTP, or one too many")) }
            guard !HTTPHeaderName.refused.contains(name.lowercased()) else {
                let how = "a header would stand in the journal; 'auth' of the connection in app.yaml sends credentials"
                return .failure(.code("code-call-refused", "fetch: '\(name)' is not for code to set: \(how)"))
            }
            headers[name] = text
        }
        var body = Array((options["body"]?.stringValue ?? "").utf8)
        if let text = options["bytes"]?.stringValue {
            guard let bytes = Data(base64Encoded: text) else {
                return .failure(.code("code-call-invalid", "fetch: the body is neither text nor bytes"))
            }
            body = Array(bytes)
        }
        return .success(
            OutsideRequest(
                connection: host.connection,
                method: method.rawValue,
                path: url,
                headers: headers,
                body: body,
                effect: method.effect
            )
        )
    }

    // MARK: Stripe

    private func stripe(_ arguments: [Value], _ job: CodeJob) -> Result<OutsideRequest, BlockFailure> {
        guard let connection = job.block.stripe else {
            return .failure(.code("code-call-refused", "a page flow has no Stripe client"))
        }
        guard
            arguments.count == 4, let name = arguments[0].stringValue, let ids = arguments[1].listValue,
            let params = arguments[2].mapValue, let options = arguments[3].mapValue
        else { return .failure(.code("code-call-invalid", "stripe.<resource>.<method>(…ids, params, options)")) }
        if name == "rawRequest" {
            return rawRequest(Array(ids), params, connection).flatMap { apply(options, to: $0) }
        }
        guard let operation = StripeOperations.named(name) else {
            return .failure(.code("code-call-invalid", "Stripe has no operation '\(name.prefix(80))'"))
        }
        guard !operation.isUnavailable else {
            return .failure(
                .code("code-call-refused", "'\(name)' sends files or speaks to another host: use http-request")
            )
        }
        var path = ""
        var rest = Array(ids)
        for part in operation.path.split(separator: "/") {
            guard part == "{}" else {
                path += "/" + part
                continue
            }
            guard !rest.isEmpty, let id = rest.removeFirst().stringValue, let safe = Self.pathSegment(id) else {
                return .failure(.code("code-call-invalid", "'\(name)': an id is missing, or is none"))
            }
            path += "/" + safe
        }
        var request = OutsideRequest(connection: connection, method: "GET", path: path, effect: .safe)
        switch operation.verb {
        case .get, .delete:
            request.method = operation.verb == .get ? "GET" : "DELETE"
            request.effect = operation.verb == .get ? .safe : .keyed
            do throws(FormError) {
                let query = try StripeForm.encode(params)
                if !query.isEmpty { request.path += "?" + query }
            } catch {
                return .failure(.code("code-call-invalid", "'\(name)': \(error)"))
            }
            return apply(options, to: request)
        case .post:
            request.method = "POST"
            request.effect = .keyed
            return Self.write(params, isJSON: operation.isJSON, into: request, name: name).flatMap {
                apply(options, to: $0)
            }
        }
    }

    /// A request that names its path itself.
    private func rawRequest(
        _ target: [Value],
        _ params: ValueMap,
        _ connection: String
    ) -> Result<OutsideRequest, BlockFailure> {
        guard target.count == 2, let method = target[0].stringValue, let path = target[1].stringValue,
            ["GET", "POST", "DELETE"].contains(method), path.hasPrefix("/v1/") || path.hasPrefix("/v2/"),
            path.utf8.count <= 8 << 10, path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }),
            !path.split(separator: "?")[0].contains(".."), method == "POST" || params.isEmpty
        else {
            return .failure(
                .code("code-call-invalid", "rawRequest(GET, POST or DELETE, '/v1/…' or '/v2/…', params of a POST)")
            )
        }
        var request = OutsideRequest(connection: connection, method: method, path: path, effect: .safe)
        if method != "GET" { request.effect = .keyed }
        guard method == "POST" else { return .success(request) }
        return Self.write(params, isJSON: path.hasPrefix("/v2/"), into: request, name: "rawRequest")
    }

    private static func write(
        _ params: ValueMap,
        isJSON: Bool,
        into request: OutsideRequest,
        name: String
    ) -> Result<OutsideRequest, BlockFailure> {
        var request = request
        do {
            if isJSON {
                request.headers["content-type"] = "application/json"
                request.body = try JSON.encode(.map(params))
            } else {
                request.body = Array(try StripeForm.encode(params).utf8)
            }
        } catch {
            return .failure(.code("code-call-invalid", "'\(name)': \(error)"))
        }
        return .success(request)
    }

    private func apply(_ options: ValueMap, to request: OutsideRequest) -> Result<OutsideRequest, BlockFailure> {
        var request = request
        let fields = [
            ("stripeAccount", "stripe-account"), ("stripeContext", "stripe-context"), ("apiVersion", "stripe-version"),
        ]
        for (option, header) in fields {
            guard let text = options[option]?.stringValue else { continue }
            let isGood = option == "apiVersion" ? Self.isVersion(text) : Self.isToken(text)
            guard isGood else {
                return .failure(.code("code-call-invalid", "'\(option)' is not one that Stripe knows"))
            }
            request.headers[header] = text
        }
        if let key = options["idempotencyKey"]?.stringValue {
            guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                return .failure(.code("code-call-invalid", "'idempotencyKey' has 1 to 255 printable characters"))
            }
            if request.method == "POST" { request.key = key }
        }
        if let reference = options["apiKey"]?.stringValue {
            guard !reference.isEmpty else {
                return .failure(
                    .code(
                        "code-call-invalid",
                        "the key is no secret or restricted key of Stripe, nor a connection's name"
                    )
                )
            }
            if clients.contains(reference) {
                request.connection = reference
            } else {
                request.headers[ExplicitCredentials.header] = reference
                request.connection = ExplicitCredentials.connection
            }
        }
        return .success(request)
    }

    /// Such as `2026-08-26.dahlia; feature_beta=v3`.
    private static func isVersion(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }

    private static func isToken(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// An id as one segment of a path; nil when it would be another path.
    private static func pathSegment(_ id: String) -> String? {
        guard (1...255).contains(id.utf8.count), id != ".", id != ".." else { return nil }
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in id.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
