import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Reads bodies and headers of requests, bounded in size and depth; `SlowRequestHandler` bounds the time.
struct RequestReader: Sendable {
    let limits: ServerConfiguration.Limits

    /// - Throws: `Problem` 413 beyond `limit`, 408 when it does not arrive in time, 400 when it breaks off.
    func body(of request: Request, upTo limit: Int) async throws -> [UInt8] {
        if let text = request.headers[.contentLength] {
            // A number that is too large for an Int is one of bytes, too.
            guard let length = Int(text), length <= limit else { throw Problem.tooLarge(limit) }
        }
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is SlowRequestHandler.BodyTooSlow {
            throw Problem(408, "body_too_slow", "The body did not arrive in time.")
        } catch is NIOTooManyBytesError {
            throw Problem.tooLarge(limit)
        } catch let error as HTTPParserError {
            throw error
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Problem(400, "body_incomplete", "The body broke off.")
        }
    }

    /// The JSON object of a body that says that it is JSON.
    ///
    /// - Throws: `Problem` 415 for another content type, 400 for what is not one JSON object.
    func object(of request: Request, upTo limit: Int) async throws -> ValueMap {
        guard Self.mediaType(of: request.headers) == "application/json" else {
            throw Problem(415, "json_required", "The body must be JSON and say Content-Type: application/json.")
        }
        let value = try json(try await body(of: request, upTo: limit))
        guard case .map(let object) = value else {
            throw Problem(400, "object_required", "The body must be one JSON object.")
        }
        return object
    }

    func json(_ bytes: [UInt8]) throws -> Value {
        do {
            return try JSON.parse(bytes, limits: JSONLimits(bytes: bytes.count, depth: limits.jsonDepth))
        } catch {
            throw Problem.malformedJSON(error)
        }
    }

    /// The media type without parameters, in lower case; empty when there is none.
    static func mediaType(of headers: HTTPFields) -> String {
        guard let type = headers[.contentType] else { return "" }
        let essence = type.prefix { $0 != ";" }
        return String(essence.filter { !$0.isWhitespace }).lowercased()
    }

    /// 128 random bits in base64url.
    private static let anonymousKeyLength = 22

    /// The request's `Idempotency-Key`.
    ///
    /// Callers without a token share one space of keys, and who names a key gets its answer: theirs must be too long to
    /// be guessed.
    /// - Throws: `Problem` 400 unless it is one value of 1–255 visible ASCII characters, 22–255 without a token.
    static func idempotencyKey(of headers: HTTPFields, caller: Caller) throws -> String? {
        let values = headers[values: .idempotencyKey]
        guard let key = values.first else { return nil }
        guard values.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw Problem(
                400,
                "invalid_idempotency_key",
                "An Idempotency-Key is one value of 1 to 255 visible ASCII characters."
            )
        }
        guard caller.id != nil || key.utf8.count >= anonymousKeyLength else {
            throw Problem(
                400,
                "guessable_idempotency_key",
                "Without a token an Idempotency-Key has at least \(anonymousKeyLength) characters, such as a random UUID."
            )
        }
        return key
    }

    /// The number that a query parameter gives, held within `1...limits.listLength`.
    func limit(of request: Request, standard: Int = 50) throws -> Int {
        guard let text = request.uri.queryParameters["limit"] else { return min(standard, limits.listLength) }
        guard let number = Int(text), number > 0 else {
            throw Problem(400, "invalid_limit", "limit is a number from 1 to \(limits.listLength).")
        }
        return min(number, limits.listLength)
    }
}

extension HTTPField.Name {
    static let idempotencyKey = name("Idempotency-Key")

    /// A header's name that is known to be one.
    static func name(_ text: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(text)") else { preconditionFailure("\(text) is a header's name") }
        return name
    }
}
