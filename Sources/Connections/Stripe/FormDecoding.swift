package import Expressions

extension StripeForm {
    /// Reads a form as Stripe's side does, before types are known: every leaf is a text.
    ///
    /// `a[]=x` adds to a list; `a[][k]=x` begins a new element when the last one has `k` already; `a[0]=x` puts into a
    /// list when all keys beside it are numbers, in their order.
    ///
    /// - Throws: `FormError`.
    package static func decode(_ text: String) throws(FormError) -> ValueMap {
        guard text.utf8.count <= bytesMax else { throw FormError(.tooLarge, "the form is too large") }
        let root = FormNode()
        var pairs = 0
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            pairs += 1
            guard pairs <= pairsMax else { throw FormError(.tooLarge, "the form has too many parameters") }
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let key = try unescaped(halves[0])
            let value = halves.count > 1 ? try unescaped(halves[1]) : ""
            try root.insert(value, at: try path(of: key)[...], of: key)
        }
        guard case .map(let map) = root.value(isRoot: true) else { return ValueMap() }
        return map
    }

    /// One step down from a key to its value.
    fileprivate enum Step: Hashable {
        case member(String)
        /// `[]`
        case next
    }

    /// Splits `a[b][]` into its steps.
    private static func path(of key: String) throws(FormError) -> [Step] {
        let malformed = FormError(.malformedKey, "a parameter is written name, name[part] or name[]", at: key)
        let bytes = Array(key.utf8)
        let open = UInt8(ascii: "["), close = UInt8(ascii: "]")
        let nameEnd = bytes.firstIndex(of: open) ?? bytes.count
        guard nameEnd > 0, !bytes[..<nameEnd].contains(close) else { throw malformed }
        var steps = [Step.member(String(decoding: bytes[..<nameEnd], as: UTF8.self))]
        var rest = bytes[nameEnd...]
        while let first = rest.first {
            guard first == open, let end = rest.firstIndex(of: close) else { throw malformed }
            let part = rest[(rest.startIndex + 1)..<end]
            guard !part.contains(open) else { throw malformed }
            steps.append(part.isEmpty ? .next : .member(String(decoding: part, as: UTF8.self)))
            guard steps.count <= depthMax else { throw FormError(.tooDeep, "more than \(depthMax) levels", at: key) }
            rest = rest[(end + 1)...]
        }
        return steps
    }

    private static func unescaped(_ text: Substring.UTF8View) throws(FormError) -> String {
        guard let text = String(validating: try unescapedBytes(text), as: UTF8.self) else {
            throw FormError(.malformedEncoding, "the form is not UTF-8")
        }
        return text
    }

    /// Undoes percent-encoding, and `+` for a space as HTML forms write it; what the bytes mean is left open.
    package static func unescapedBytes(_ text: some Collection<UInt8>) throws(FormError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = digit(rest.next()), let low = digit(rest.next()) else {
                    throw FormError(.malformedEncoding, "a percent sign without two hexadecimal digits")
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func digit(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(let byte) where byte >= 0x30 && byte <= 0x39: byte - 0x30
        case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20): (byte | 0x20) - 87
        default: nil
        }
    }
}

/// A place in a form that is being read.
///
/// A reference, so that a form of many pairs is not copied at each of them.
private final class FormNode {
    private enum Content {
        case nothing
        case text(String)
        case members([String: Int], [(name: String, node: FormNode)])
        case elements([FormNode])
    }

    private var content = Content.nothing

    /// Recursion is bounded by the path, which has at most `StripeForm.depthMax` steps.
    func insert(_ text: String, at path: ArraySlice<StripeForm.Step>, of key: String) throws(FormError) {
        let conflict = FormError(.conflictingKeys, "stands for different things", at: key)
        guard let step = path.first else {
            guard case .nothing = content else { throw conflict }
            content = .text(text)
            return
        }
        let rest = path.dropFirst()
        switch (step, content) {
        case (.member(let name), .nothing), (.member(let name), .members):
            try member(name).insert(text, at: rest, of: key)
        case (.next, .nothing), (.next, .elements):
            try element(taking: rest).insert(text, at: rest, of: key)
        default: throw conflict
        }
    }

    private func member(_ name: String) -> FormNode {
        guard case .members(var places, var members) = content else {
            let node = FormNode()
            content = .members([name: 0], [(name, node)])
            return node
        }
        if let place = places[name] { return members[place].node }
        content = .nothing  // Gives the two collections up, so that they are changed in place.
        let node = FormNode()
        places[name] = members.count
        members.append((name, node))
        content = .members(places, members)
        return node
    }

    /// The last element if the rest of the path still has a place in it, else a new one.
    private func element(taking rest: ArraySlice<StripeForm.Step>) -> FormNode {
        guard case .elements(var elements) = content else {
            let node = FormNode()
            content = .elements([node])
            return node
        }
        if !rest.isEmpty, let last = elements.last, last.hasPlace(for: rest) { return last }
        content = .nothing
        let node = FormNode()
        elements.append(node)
        content = .elements(elements)
        return node
    }

    private func hasPlace(for path: ArraySlice<StripeForm.Step>) -> Bool {
        switch (path.first, content) {
        case (.none, .nothing): true
        case (.some, .nothing): true
        case (.member(let name), .members(let places, let members)):
            places[name].map { members[$0].node.hasPlace(for: path.dropFirst()) } ?? true
        case (.next, .elements): true
        default: false
        }
    }

    /// The value, with maps whose keys are all list positions turned into lists.
    func value(isRoot: Bool = false) -> Value {
        switch content {
        case .nothing: return .map(ValueMap())
        case .text(let text): return .string(text)
        case .elements(let elements): return .list(elements.map { $0.value() })
        case .members(_, let members):
            let positions = isRoot ? [] : members.compactMap { Self.position($0.name) }
            if positions.count == members.count {
                let sorted = zip(positions, members).sorted { $0.0 < $1.0 }
                return .list(sorted.map { $0.1.node.value() })
            }
            var map = ValueMap(minimumCapacity: members.count)
            for (name, node) in members { map[name] = node.value() }
            return .map(map)
        }
    }

    /// A list position as clients write it: no sign, no leading zero, at most five digits.
    private static func position(_ name: String) -> Int? {
        guard (1...5).contains(name.utf8.count), name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            name == "0" || !name.hasPrefix("0")
        else { return nil }
        return Int(name)
    }
}
