import Foundation
import ServiceLifecycle

/// Ends when standard input does: a child that was started with a pipe stops with its parent.
struct EndOfInput: Service {
    func run() async throws {
        await cancelWhenGracefulShutdown {
            let input = DispatchSource.makeReadSource(fileDescriptor: STDIN_FILENO)
            let closed = AsyncStream<Void> { continuation in
                input.setEventHandler {
                    var buffer = [UInt8](repeating: 0, count: 1024)
                    if read(STDIN_FILENO, &buffer, buffer.count) <= 0 { continuation.finish() }
                }
                input.resume()
            }
            for await _ in closed {}
            input.cancel()
        }
    }
}
