/// What goes over the wire, as HTML's `text/event-stream` has it.
enum ServerSentEvent {
    /// One event; `data` is one line of JSON.
    static func event(_ name: String, id: Int64, data: [UInt8]) -> [UInt8] {
        var bytes = Array("id: \(id)\nevent: \(name)\ndata: ".utf8)
        bytes += data
        bytes += [0x0A, 0x0A]
        return bytes
    }

    static func deletion(of row: Int64, id: Int64) -> [UInt8] {
        event("delete", id: id, data: Array("{\"id\":\(row)}".utf8))
    }

    /// What was missed is no longer there: the client reads the rows anew and goes on from here.
    static func reset(id: Int64) -> [UInt8] { event("reset", id: id, data: Array("{}".utf8)) }

    /// Keeps the connection and moves the client's place on, past changes that were not for it.
    static func heartbeat(id: Int64) -> [UInt8] { Array(": still here\nid: \(id)\n\n".utf8) }

    /// How long a browser waits before it asks again.
    static let retry = Array("retry: 2000\n\n".utf8)
}
