/// Which members of a document are wanted; what else there is, is read as strictly and not kept.
package struct JSONMembers: Sendable, ExpressibleByDictionaryLiteral {
    package indirect enum Part: Sendable {
        case whole
        case members(JSONMembers)
    }

    /// The names, one behind the other, and where each ends: to look for one touches no other memory.
    private let names: [UInt8]
    private let ends: [Int]
    fileprivate let parts: [(name: String, part: Part)]

    package init(dictionaryLiteral members: (String, Part)...) {
        var (names, ends): ([UInt8], [Int]) = ([], [])
        for (name, _) in members {
            names += name.utf8
            ends.append(names.count)
        }
        self.names = names
        self.ends = ends
        parts = members
    }

    /// The place in `parts` of the name that these bytes are.
    fileprivate func place(of name: UnsafeBufferPointer<UInt8>) -> Int? {
        var start = 0
        for place in ends.indices {
            let end = ends[place]
            if end - start == name.count {
                var offset = 0
                while offset < name.count, names[start + offset] == name[offset] { offset += 1 }
                if offset == name.count { return place }
            }
            start = end
        }
        return nil
    }
}

extension JSON {
    /// Reads one JSON document and keeps the members that are named, for a reader who needs few of them.
    ///
    /// - Throws: exactly what ``parse(_:limits:)`` throws, also for faults in what is not kept.
    package static func parse(
        _ bytes: [UInt8],
        keeping members: JSONMembers,
        limits: JSONLimits = .standard
    ) throws(JSONError) -> Value {
        let kept = bytes.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(bytes: buffer, limits: limits, isExact: false)
            return try? parser.document(keeping: members)
        }
        // Whatever is odd is read whole, which also tells what is wrong with it.
        if let kept { return kept }
        return try parse(bytes, limits: limits)
    }
}

extension JSONParser {
    /// Names of one object that are compared with each other; more are for the reading that keeps an index.
    private static let namesMax = 128

    /// Where a name without escapes stands.
    private struct Name {
        let start: Int
        let count: Int
    }

    mutating func document(keeping members: JSONMembers) throws(JSONError) -> Value {
        try document { (parser) throws(JSONError) in
            try parser.value(.members(members), depth: 0)
        }
    }

    private mutating func value(_ part: JSONMembers.Part, depth: Int) throws(JSONError) -> Value {
        guard case .members(let members) = part, position < bytes.count, bytes[position] == UInt8(ascii: "{") else {
            return try value(depth: depth)
        }
        try countValue()
        var kept = ValueMap()
        try eachMember(depth: depth) { (parser, name) throws(JSONError) in
            guard let place = members.place(of: parser.text(of: name)) else {
                return try parser.skipValue(depth: depth + 1)
            }
            let member = try parser.value(members.parts[place].part, depth: depth + 1)
            _ = kept.add(member, for: members.parts[place].name)
        }
        return .map(kept)
    }

    private mutating func skipValue(depth: Int) throws(JSONError) {
        guard position < bytes.count else { throw unexpected("a value") }
        switch bytes[position] {
        case UInt8(ascii: "{"):
            try countValue()
            try eachMember(depth: depth) { (parser, _) throws(JSONError) in try parser.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try countValue()
            try eachElement(depth: depth) { (parser) throws(JSONError) in try parser.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""):
            try countValue()
            if try plainString() == nil { _ = try string() }
        default:
            _ = try value(depth: depth)
        }
    }

    /// Calls `read` with each name of an object, which are all different, where its value stands.
    private mutating func eachMember(
        depth: Int,
        _ read: (inout JSONParser, Name) throws(JSONError) -> Void
    ) throws(JSONError) {
        try checkDepth(depth)
        position += 1
        skipSpace()
        if take("}") { return }
        var names: [Name] = []
        names.reserveCapacity(16)
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\""), names.count < Self.namesMax,
                let name = try plainString(), !names.contains(where: { isSame($0, name) })
            else { throw unexpected("a plain key") }
            names.append(name)
            skipSpace()
            guard take(":") else { throw unexpected("':'") }
            skipSpace()
            try read(&self, name)
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw unexpected("',' or '}'") }
        }
    }

    /// Passes a string of ASCII without escapes; nil, and nothing is passed, for any other.
    private mutating func plainString() throws(JSONError) -> Name? {
        let start = position + 1
        var index = start
        while index + 8 <= bytes.count {
            let word = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard let plain = word.bytesBeforeEscape else {
                if word & 0x8080_8080_8080_8080 != 0 { return nil }
                index += 8
                continue
            }
            let before = UInt64(littleEndian: word) & ~(UInt64.max << UInt64(8 * plain))
            guard before & 0x8080_8080_8080_8080 == 0, bytes[index + plain] == UInt8(ascii: "\"") else { return nil }
            position = index + plain + 1
            return Name(start: start, count: index + plain - start)
        }
        return nil
    }

    private func text(of name: Name) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[name.start..<(name.start + name.count)])
    }

    private func isSame(_ one: Name, _ other: Name) -> Bool {
        guard one.count == other.count else { return false }
        for offset in 0..<one.count where bytes[one.start + offset] != bytes[other.start + offset] { return false }
        return true
    }
}
