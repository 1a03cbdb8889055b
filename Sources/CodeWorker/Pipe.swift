import CSandbox
import CodeFrames

/// The two pipes to the host.
enum Pipe {
    static func write(_ frame: Frame) {
        // Nobody listens any more: there is nothing left to do, and nobody to tell.
        for piece in frame.pieces where sandbox_write(1, piece, piece.count) != 1 { sandbox_exit(0) }
    }

    /// The next frame; ends the process when the host has closed the pipe.
    static func read() -> Frame {
        var header = [UInt8](repeating: 0, count: Frame.headerSize)
        guard sandbox_read(0, &header, header.count) == 1, let (kind, count) = Frame.header(header) else {
            sandbox_exit(0)
        }
        guard count > 0 else { return Frame(kind) }
        let payload = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = sandbox_read(0, buffer.baseAddress, count) == 1 ? count : 0
        }
        if payload.isEmpty { sandbox_exit(0) }
        return Frame(kind, payload)
    }
}
