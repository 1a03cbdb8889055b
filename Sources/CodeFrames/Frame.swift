/// One message between host and worker: four bytes of length, one of kind, then the payload.
package struct Frame: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        // Host to worker.
        /// Run code: a ``CodeCallFrame``.
        case call = 1
        /// What a host call of the running code gave: a ``HostAnswerFrame``.
        case answer = 2
        /// Parse, do not run: a list of ``CodeSource``.
        case check = 3
        /// Forget the running call.
        case drop = 4
        /// Test builds: try a system call from inside; its name.
        case attempt = 5

        // Worker to host.
        /// The walls stand: a ``ReadyFrame``.
        case ready = 16
        /// The code asks the host: the call's name, its arguments as JSON.
        case ask = 17
        /// A log line: its level, its text.
        case log = 18
        /// The code can go no further without an answer.
        case waiting = 19
        /// The code returned: JSON.
        case returned = 20
        /// The code ended otherwise, or does not parse: a ``CodeProblemFrame``.
        case problem = 21
        /// The code parses.
        case parsed = 22
        /// Test builds: what the kernel said to the attempt.
        case attempted = 23
    }

    /// Bytes of a payload at most; a frame that claims more comes from a worker that is no longer ours.
    package static let payloadMax = 40 << 20
    package static let headerSize = 5

    package var kind: Kind
    package var payload: [UInt8]
    /// Large fields behind the payload, which are not copied together; empty in a frame that was read.
    private var rest: [[UInt8]] = []

    package init(_ kind: Kind, _ payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload
    }

    package init(_ kind: Kind, _ write: (inout FieldWriter) -> Void) {
        var writer = FieldWriter()
        write(&writer)
        self.init(kind, writer.bytes)
        rest = writer.rest
    }

    /// The frame as it goes over the pipe: in one piece if it is small, so that one write wakes the other side.
    package var pieces: [[UInt8]] {
        let isLarge = payload.count >= FieldWriter.large
        var first: [UInt8] = []
        first.reserveCapacity(Self.headerSize + (isLarge ? 0 : payload.count))
        first.append(littleEndian: UInt32(rest.reduce(payload.count) { $0 + $1.count }))
        first.append(kind.rawValue)
        if isLarge { return [first, payload] + rest }
        first += payload
        return [first] + rest
    }

    /// Reads a header; nil when it is none, or the payload would be too long.
    package static func header(_ bytes: some Collection<UInt8>) -> (kind: Kind, count: Int)? {
        let bytes = Array(bytes)
        guard bytes.count == headerSize, let kind = Kind(rawValue: bytes[4]) else { return nil }
        let count = Int(UInt32(littleEndian: bytes[0..<4]))
        return count <= payloadMax ? (kind, count) : nil
    }
}

/// Writes a payload: fields behind one another, each with its length.
package struct FieldWriter: Sendable {
    /// Fields of so many bytes stand apart.
    static let large = 1 << 16

    /// Up to the first large field.
    package var bytes: [UInt8] { pieces[0] }
    /// The large fields, and what stands behind each.
    var rest: [[UInt8]] { Array(pieces.dropFirst()) }
    private var pieces: [[UInt8]] = [[]]

    package init() {}

    package mutating func write(_ field: some Collection<UInt8>) {
        pieces[pieces.count - 1].append(littleEndian: UInt32(field.count))
        if field.count < Self.large {
            pieces[pieces.count - 1] += field
        } else {
            pieces += [Array(field), []]
        }
    }

    package mutating func write(_ text: String) { write(text.utf8) }

    package mutating func write(_ number: Int64) {
        let value = UInt64(bitPattern: number)
        pieces[pieces.count - 1].append(littleEndian: UInt32(truncatingIfNeeded: value))
        pieces[pieces.count - 1].append(littleEndian: UInt32(truncatingIfNeeded: value >> 32))
    }

    package mutating func write(_ number: Int) { write(Int64(number)) }
}

/// Reads a payload; what does not fit is nil, whoever wrote it.
package struct FieldReader: Sendable {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { position == bytes.count }

    package mutating func field() -> ArraySlice<UInt8>? {
        guard bytes.count - position >= 4 else { return nil }
        let count = Int(UInt32(littleEndian: bytes[position..<position + 4]))
        guard count <= bytes.count - position - 4 else { return nil }
        position += 4 + count
        return bytes[position - count..<position]
    }

    /// A field as text; bytes that are no UTF-8 are replaced.
    package mutating func text() -> String? { field().map { String(decoding: $0, as: UTF8.self) } }

    package mutating func number() -> Int? {
        guard bytes.count - position >= 8 else { return nil }
        let low = UInt64(UInt32(littleEndian: bytes[position..<position + 4]))
        let high = UInt64(UInt32(littleEndian: bytes[position + 4..<position + 8]))
        position += 8
        return Int(Int64(bitPattern: high << 32 | low))
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian number: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

extension UInt32 {
    fileprivate init(littleEndian bytes: some Collection<UInt8>) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
