import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// An answer whose head leaves at once and whose body is the flow's, whenever it comes.
///
/// White space, which JSON ignores, goes ahead of it every few seconds, so that nobody between takes the connection for
/// dead. The status is 200 by then, so a failure is told in the body: `{"error": {…}, "run": …}`.
struct ChunkedAnswer: Sendable {
    /// Below the 30 s after which common proxies give up.
    static let pulse = Duration.seconds(10)
    /// Pulses before the caller is left with the run's id: an hour.
    static let pulses = 360

    let engine: Engine
    let run: RunID
    let wait: AnswerWait

    var response: Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(asyncSequence: Chunks(answer: self))
        )
    }

    /// A pulse, or the body.
    private func chunk(_ number: Int) async -> (bytes: ByteBuffer, isLast: Bool) {
        let known = ByteBuffer(string: "{\"run\":\(run)}")
        do {
            let record = try await wait { try await engine.answer(of: run, timeLimit: Self.pulse) }
            if record.isSettled { return (ByteBuffer(bytes: Self.body(of: record)), true) }
            // At a stop the wait ends early, and nobody waits once more.
            let isLast = number >= Self.pulses || Task.isShuttingDownGracefully
            return isLast ? (known, true) : (ByteBuffer(string: " "), false)
        } catch {
            // The server stops, or the store cannot be read: the caller knows where to ask again.
            return (known, true)
        }
    }

    private struct Chunks: AsyncSequence, Sendable {
        let answer: ChunkedAnswer

        struct AsyncIterator: AsyncIteratorProtocol {
            let answer: ChunkedAnswer
            /// Nil behind the last.
            var number: Int? = 0

            mutating func next() async -> ByteBuffer? {
                guard let number else { return nil }
                let chunk = await answer.chunk(number)
                self.number = chunk.isLast ? nil : number + 1
                return chunk.bytes
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(answer: answer) }
    }

    private static func body(of record: RunRecord) -> [UInt8] {
        let run = Value.int(record.id.rawValue)
        let unreadable: Value = ["error": ["code": "internal", "message": "The answer has no JSON form."], "run": run]
        let value: Value =
            switch record.answer {
            case let answer? where answer.status >= 400: ["error": answer.body, "run": run]
            case let answer?: answer.body
            case nil: ["run": run]
            }
        return (try? JSON.encode(value)) ?? (try? JSON.encode(unreadable)) ?? []
    }
}
