import ArgumentParser
import Expressions
import Foundation
import HTTPTransport

/// Where the simulator is that a command speaks with, and whether a script reads the answer.
struct SimulatorControl: ParsableArguments {
    @Option(help: "The simulator's address; on this machine alone.") var url = "http://127.0.0.1:12111"
    @Flag(help: "As JSON.") var json = false

    func validate() throws {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host,
            Self.isLoopback(host), ["", "/"].contains(parts.path), parts.query == nil, parts.user == nil
        else { throw ValidationError("--url is http, a loopback address and a port, such as http://127.0.0.1:12111") }
    }

    /// A name that leads elsewhere than it says is found out by the transport, which looks at the address itself.
    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || host == "::1"
            || (host.hasPrefix("127.")
                && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) })
    }

    /// Calls an operation under `/_simulator`.
    ///
    /// - Throws: `CommandFailure` with the simulator's own words when it refuses, or when nothing answers.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Value {
        let bytes = try await exchange(method, path, body.map { try JSON.encode($0) } ?? [])
        guard let value = try? JSON.parse(bytes), value.mapValue != nil else {
            throw CommandFailure("what answers at \(url) is not a simulator")
        }
        return value
    }

    /// The same with bytes as they are: states may be larger than what is read as a value.
    func exchange(_ method: String, _ path: String, _ body: [UInt8]) async throws -> [UInt8] {
        let client = HTTPClient()
        let base = url.hasSuffix("/") ? String(url.dropLast()) : url
        let outcome: Result<HTTPResponse, HTTPError>
        do throws(HTTPError) {
            outcome = .success(
                try await client.send(
                    HTTPRequest(
                        method: method,
                        url: "\(base)/_simulator/\(path)",
                        headers: body.isEmpty ? [:] : ["content-type": "application/json"],
                        body: body,
                        responseBytesMax: 1 << 30,
                        addressPolicy: .loopbackOnly
                    )
                )
            )
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown()
        switch outcome {
        case .failure(let error) where error.code == .couldNotConnect:
            throw CommandFailure("no simulator listens at \(url); start one with `runnel simulator`")
        case .failure(let error): throw error
        case .success(let answer):
            guard answer.status == 200 else {
                let told = (try? JSON.parse(answer.body))?["error"]?["message"]?.stringValue
                throw CommandFailure(told ?? "the simulator answered \(answer.status)")
            }
            return answer.body
        }
    }
}

extension Value {
    /// Seconds since 1970, as the simulator counts, written for a person.
    var momentText: String {
        intValue.flatMap { Timestamp(microseconds: $0.multipliedReportingOverflow(by: 1_000_000).partialValue) }?
            .rfc3339
            ?? "-"
    }
}
