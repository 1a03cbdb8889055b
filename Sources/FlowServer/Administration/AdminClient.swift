package import Connections
import Dispatch
package import Expressions
package import FlowEngine

/// Asks the server that has the data open, through its admin socket.
package struct AdminClient: Administering {
    private let path: String

    /// - Parameter socket: As `AdminSocket.path(forDataFolder:)` gives it.
    package init(socket: String) { path = socket }

    /// Whether a server answers; when none does, the caller may open the data itself.
    package var isServing: Bool {
        get async {
            do {
                _ = try await status()
                return true
            } catch {
                return false
            }
        }
    }

    package func status() async throws(AdministrationError) -> ServerStatus {
        try ServerStatus(try await ask("GET", "status"))
    }

    package func runs(matching filter: RunFilter) async throws(AdministrationError) -> [RunSummary] {
        var query = ["limit=\(filter.limit)"]
        if let flow = filter.flow { query.append("flow=\(Self.escaped(flow))") }
        if let before = filter.before { query.append("before=\(before)") }
        if filter.includesBranches { query.append("branches=true") }
        if !filter.statuses.isEmpty {
            query.append("status=" + filter.statuses.map(\.rawValue).sorted().joined(separator: ","))
        }
        let answer = try await ask("GET", "runs?" + query.joined(separator: "&"))
        var runs: [RunSummary] = []
        for run in try Members(answer).list("runs") { runs.append(try RunSummary(run)) }
        return runs
    }

    package func report(of run: RunID, waiting: Duration) async throws(AdministrationError) -> RunReport {
        try RunReport(try await ask("GET", "runs/\(run)?wait=\(waiting.components.seconds)"))
    }

    package func capsule(of run: RunID) async throws(AdministrationError) -> [UInt8] {
        Array(try Members(try await ask("GET", "runs/\(run)/capsule")).string("capsule").utf8)
    }

    package func start(
        _ flow: String,
        input: ValueMap,
        as caller: String
    ) async throws(AdministrationError) -> RunID {
        let order: Value = ["flow": .string(flow), "input": .map(input), "caller": .string(caller)]
        let answer = try await ask("POST", "runs", order)
        return RunID(try Members(answer).int("run"))
    }

    package func change(_ run: RunID, _ change: RunChange) async throws(AdministrationError) -> RunSummary {
        try RunSummary(try await ask("POST", "runs/\(run)/change", change.value))
    }

    package func rerun(_ run: RunID, _ order: RerunOrder) async throws(AdministrationError) -> RerunOutcome {
        try RerunOutcome(try await ask("POST", "runs/\(run)/rerun", order.value))
    }

    package func createToken(for caller: Caller) async throws(AdministrationError) -> IssuedToken {
        let answer = try Members(try await ask("POST", "tokens", caller.value))
        return IssuedToken(
            text: try answer.string("token"),
            summary: try TokenSummary(try answer.value("summary"))
        )
    }

    package func tokens() async throws(AdministrationError) -> [TokenSummary] {
        var tokens: [TokenSummary] = []
        for token in try Members(try await ask("GET", "tokens")).list("tokens") {
            tokens.append(try TokenSummary(token))
        }
        return tokens
    }

    package func revokeToken(id: String) async throws(AdministrationError) {
        _ = try await ask("DELETE", "tokens/\(Self.escaped(id))")
    }

    package func secretNames() async throws(AdministrationError) -> [String] {
        try Members(try await ask("GET", "secrets")).list("names").compactMap(\.stringValue)
    }

    package func setSecret(_ name: String, to secret: Secret) async throws(AdministrationError) {
        let bytes = Array(secret.reveal().utf8)
        _ = try await exchange("PUT", "secrets/\(Self.escaped(name))", "text/plain", bytes)
    }

    package func removeSecret(_ name: String) async throws(AdministrationError) {
        _ = try await ask("DELETE", "secrets/\(Self.escaped(name))")
    }

    func ask(
        _ method: String,
        _ target: String,
        _ body: Value? = nil,
        waitingSeconds: Int = 60
    ) async throws(AdministrationError) -> Value {
        guard let body else { return try await exchange(method, target, nil, []) }
        do {
            let bytes = try JSON.encode(body)
            return try await exchange(method, target, "application/json", bytes, waitingSeconds: waitingSeconds)
        } catch let error as AdministrationError {
            throw error
        } catch {
            throw AdministrationError(.invalid, "the input has no JSON form: \(error)")
        }
    }

    /// The exchange blocks, so it runs on a thread of its own queue and not on one of the shared pool.
    private func exchange(
        _ method: String,
        _ target: String,
        _ contentType: String?,
        _ body: [UInt8],
        waitingSeconds: Int = 60
    ) async throws(AdministrationError) -> Value {
        let exchange = UnixSocketExchange(
            path: path,
            method: method,
            target: "/admin/" + target,
            contentType: contentType,
            body: body,
            longestSilence: waitingSeconds
        )
        let result: Result<UnixSocketExchange.Answer, AdministrationError> = await withCheckedContinuation { waiting in
            DispatchQueue.global().async {
                do throws(AdministrationError) {
                    waiting.resume(returning: .success(try exchange.run()))
                } catch {
                    waiting.resume(returning: .failure(error))
                }
            }
        }
        return try Self.value(of: try result.get())
    }

    private static func value(of answer: UnixSocketExchange.Answer) throws(AdministrationError) -> Value {
        let value: Value
        do {
            value = try JSON.parse(answer.body, limits: .journal)
        } catch {
            throw AdministrationError(.unavailable, "the server's answer is not JSON")
        }
        if (200...299).contains(answer.status) { return value }
        let message = value["detail"]?.stringValue ?? "the server answered \(answer.status)"
        switch answer.status {
        case 404: throw AdministrationError(.notFound, message)
        case 400...499: throw AdministrationError(.invalid, message)
        default: throw AdministrationError(.unavailable, message)
        }
    }

    /// Percent-encodes everything but letters, digits and `-._`.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.append(Character(UnicodeScalar(byte)))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
