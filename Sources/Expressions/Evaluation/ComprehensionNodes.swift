/// What a macro iterates over, and the slots that it binds on each turn.
///
/// With one variable, lists give their elements and maps their keys; with two, lists give index and element, maps key and
/// value.
struct Iteration: Sendable {
    let source: any EvaluationNode
    let first: Int
    let second: Int?
    /// Nodes evaluated on each turn, charged to the budget.
    let cost: Int

    /// What is iterated over: elements, or a map's entries.
    ///
    /// Two fields instead of an enum, since looking into an enum copies what it holds on every turn.
    struct Items {
        let isMap: Bool
        let elements: [Value]
        let map: ValueMap

        var count: Int { isMap ? map.count : elements.count }
    }

    /// Evaluates the source; the slot of the first variable is empty afterwards.
    func items(_ frame: inout Frame, of macro: StaticString) throws(EvaluationError) -> Items {
        let value = try source.evaluate(&frame)
        frame.slots[first] = nil
        switch value {
        case .list(let elements): return Items(isMap: false, elements: elements, map: ValueMap())
        case .map(let map): return Items(isMap: true, elements: [], map: map)
        default:
            throw EvaluationError.noOverload("\(macro)", value).placed(at: source.range)
        }
    }

    /// Binds the variables of one turn.
    ///
    /// An element of a list is lent, not shared: after the last turn ``unbind(_:_:)`` must be called.
    @inline(__always)
    func bind(_ position: Int, of items: borrowing Items, _ frame: inout Frame) throws(EvaluationError) {
        try frame.charge(cost)
        if items.isMap {
            let entry = items.map.entry(at: position)
            frame.slots[first] = entry.key.value
            if let second { frame.slots[second] = entry.value }
        } else if let second {
            frame.slots[first] = .int(Int64(position))
            frame.slots[second] = items.elements[position]
        } else {
            // The bits alone are put in the slot: the items hold the element until the last turn is over.
            items.elements.withUnsafeBufferPointer { elements in
                guard let element = elements.baseAddress, position < elements.count else { return }
                UnsafeMutableRawPointer(frame.slots + first)
                    .copyMemory(from: element + position, byteCount: MemoryLayout<Value>.size)
            }
        }
    }

    /// Takes back what the turns bound; the items live until here.
    @inline(__always)
    func unbind(_ items: borrowing Items, _ frame: inout Frame) {
        if items.isMap || second != nil {
            frame.slots[first] = nil
        } else {
            // What is lent must not be released.
            (frame.slots + first).initialize(to: nil)
        }
        withExtendedLifetime(copy items) {}
    }
}

/// `all` and `exists`: the deciding truth on any turn wins over errors on others.
final class QuantifierNode: EvaluationNode {
    let range: Range<Int>
    let iteration: Iteration
    let predicate: any EvaluationNode
    /// False for `all`, true for `exists`.
    let deciding: Bool

    init(_ iteration: Iteration, predicate: any EvaluationNode, deciding: Bool, range: Range<Int>) {
        self.iteration = iteration
        self.predicate = predicate
        self.deciding = deciding
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let items = try iteration.items(&frame, of: deciding ? "exists" : "all")
        defer { iteration.unbind(items, &frame) }
        var failure: EvaluationError?
        for position in 0..<items.count {
            try iteration.bind(position, of: items, &frame)
            do throws(EvaluationError) {
                let value = try predicate.evaluate(&frame)
                guard case .bool(let truth) = value else {
                    throw EvaluationError.noOverload(deciding ? "||" : "&&", value).placed(at: predicate.range)
                }
                if truth == deciding { return value }
            } catch {
                if error.code == EvaluationError.Code.budgetExceeded { throw error }
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return .bool(!deciding)
    }
}

/// `exists_one`: an error on any turn is an error.
final class ExistsOneNode: EvaluationNode {
    let range: Range<Int>
    let iteration: Iteration
    let predicate: any EvaluationNode

    init(_ iteration: Iteration, predicate: any EvaluationNode, range: Range<Int>) {
        self.iteration = iteration
        self.predicate = predicate
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let items = try iteration.items(&frame, of: "exists_one")
        defer { iteration.unbind(items, &frame) }
        var count = 0
        for position in 0..<items.count {
            try iteration.bind(position, of: items, &frame)
            if try predicate.isTrue(&frame, of: "exists_one") { count += 1 }
        }
        return .bool(count == 1)
    }
}

extension EvaluationNode {
    /// The truth of a predicate; anything else than a bool is an error.
    func isTrue(_ frame: inout Frame, of macro: StaticString) throws(EvaluationError) -> Bool {
        let value = try evaluate(&frame)
        guard case .bool(let truth) = value else { throw .noOverload("\(macro)", value).placed(at: range) }
        return truth
    }
}

/// `map`, `filter` and `transformList`: a list of what the transformation gives for each item that passes.
final class ListTransformNode: EvaluationNode {
    let range: Range<Int>
    let iteration: Iteration
    let predicate: (any EvaluationNode)?
    /// Nil for `filter`, which keeps the item.
    let transformation: (any EvaluationNode)?

    init(
        _ iteration: Iteration,
        predicate: (any EvaluationNode)?,
        transformation: (any EvaluationNode)?,
        range: Range<Int>
    ) {
        self.iteration = iteration
        self.predicate = predicate
        self.transformation = transformation
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let items = try iteration.items(&frame, of: "map")
        defer { iteration.unbind(items, &frame) }
        var results: [Value] = []
        // One loop for each form, so that a turn does not ask which it is.
        switch (predicate, transformation) {
        case (let predicate?, let transformation?):
            for position in 0..<items.count {
                try iteration.bind(position, of: items, &frame)
                guard try predicate.isTrue(&frame, of: "filter") else { continue }
                results.append(try transformation.evaluate(&frame))
            }
        case (let predicate?, nil):
            for position in 0..<items.count {
                try iteration.bind(position, of: items, &frame)
                guard try predicate.isTrue(&frame, of: "filter") else { continue }
                if let item = frame.slots[iteration.first] { results.append(item) }
            }
        case (nil, let transformation?):
            results.reserveCapacity(items.count)
            for position in 0..<items.count {
                try iteration.bind(position, of: items, &frame)
                results.append(try transformation.evaluate(&frame))
            }
        case (nil, nil):
            for position in 0..<items.count {
                try iteration.bind(position, of: items, &frame)
                if let item = frame.slots[iteration.first] { results.append(item) }
            }
        }
        return .list(results)
    }
}

/// `transformMap` and `transformMapEntry`: a map of what the transformation gives for each item that passes.
final class MapTransformNode: EvaluationNode {
    let range: Range<Int>
    let iteration: Iteration
    let predicate: (any EvaluationNode)?
    let transformation: any EvaluationNode
    /// Whether the transformation gives a map of entries instead of the value for the same key.
    let givesEntries: Bool

    init(
        _ iteration: Iteration,
        predicate: (any EvaluationNode)?,
        transformation: any EvaluationNode,
        givesEntries: Bool,
        range: Range<Int>
    ) {
        self.iteration = iteration
        self.predicate = predicate
        self.transformation = transformation
        self.givesEntries = givesEntries
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let items = try iteration.items(&frame, of: "transformMap")
        defer { iteration.unbind(items, &frame) }
        var results = ValueMap(minimumCapacity: items.count)
        for position in 0..<items.count {
            try iteration.bind(position, of: items, &frame)
            if let predicate, !(try predicate.isTrue(&frame, of: "transformMap")) { continue }
            let value = try transformation.evaluate(&frame)
            if givesEntries {
                try insert(entriesOf: value, into: &results, &frame)
            } else if let keyValue = key(at: position, of: items), let key = MapKey(keyValue) {
                results[key] = value
            }
        }
        return .map(results)
    }

    private func key(at position: Int, of items: Iteration.Items) -> Value? {
        items.isMap ? items.map.entry(at: position).key.value : .int(Int64(position))
    }

    private func insert(
        entriesOf value: Value,
        into results: inout ValueMap,
        _ frame: inout Frame
    ) throws(EvaluationError) {
        guard case .map(let entries) = value else {
            throw .noOverload("transformMapEntry", value).placed(at: transformation.range)
        }
        try frame.charge(entries.count)
        for (key, value) in entries {
            // `1` and `1u` are one key: a look-up with either finds it.
            guard results.member(key.value) == nil else {
                throw EvaluationError.invalid("the same key twice in a map").placed(at: transformation.range)
            }
            results[key] = value
        }
    }
}

/// `list.sortBy(item, key)`.
final class SortByNode: EvaluationNode {
    let range: Range<Int>
    let iteration: Iteration
    let key: any EvaluationNode

    init(_ iteration: Iteration, key: any EvaluationNode, range: Range<Int>) {
        self.iteration = iteration
        self.key = key
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let items = try iteration.items(&frame, of: "sortBy")
        defer { iteration.unbind(items, &frame) }
        guard !items.isMap else {
            throw EvaluationError.noOverload("sortBy", .map(items.map)).placed(at: iteration.source.range)
        }
        let elements = items.elements
        var keys: [Value] = []
        keys.reserveCapacity(elements.count)
        for position in elements.indices {
            try iteration.bind(position, of: items, &frame)
            keys.append(try key.evaluate(&frame))
        }
        do throws(EvaluationError) {
            let order = try ListFunctions.sortedPositions(keys, &frame)
            return .list(order.map { elements[$0] })
        } catch {
            throw error.placed(at: range)
        }
    }
}

/// `cel.bind(name, value, result)` and `cel.block`: values computed at most once, when they are first used.
final class BindingNode: EvaluationNode {
    let range: Range<Int>
    let slots: [Int]
    let body: any EvaluationNode

    init(slots: [Int], body: any EvaluationNode, range: Range<Int>) {
        self.slots = slots
        self.body = body
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        for slot in slots { frame.slots[slot] = nil }
        return try body.evaluate(&frame)
    }
}

/// A use of a bound value: computes it when its slot is still empty.
final class LazyVariableNode: EvaluationNode {
    let range: Range<Int>
    let slot: Int
    let value: any EvaluationNode
    /// Nodes of the value, charged when it is computed.
    let cost: Int

    init(slot: Int, value: any EvaluationNode, cost: Int, range: Range<Int>) {
        self.slot = slot
        self.value = value
        self.cost = cost
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        if let value = frame.slots[slot] { return value }
        // An error is not remembered, so a failing value may be computed again: that is paid for.
        try frame.charge(cost)
        let value = try value.evaluate(&frame)
        frame.slots[slot] = value
        return value
    }
}

/// `optional.optMap(name, result)` and `optional.optFlatMap(name, result)`.
final class OptionalMapNode: EvaluationNode {
    let range: Range<Int>
    let source: any EvaluationNode
    let slot: Int
    let body: any EvaluationNode
    let isFlat: Bool

    init(_ source: any EvaluationNode, slot: Int, body: any EvaluationNode, isFlat: Bool, range: Range<Int>) {
        self.source = source
        self.slot = slot
        self.body = body
        self.isFlat = isFlat
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try source.evaluate(&frame)
        guard case .optional(let optional) = value else {
            throw .noOverload(isFlat ? "optFlatMap" : "optMap", value).placed(at: range)
        }
        guard let inner = optional.value else { return value }
        frame.slots[slot] = inner
        let result = try body.evaluate(&frame)
        if !isFlat { return .optional(OptionalValue(result)) }
        guard case .optional = result else { throw .noOverload("optFlatMap", result).placed(at: body.range) }
        return result
    }
}

/// `optional.or(other)` and `optional.orValue(other)`: the other side is evaluated only when needed.
final class OptionalElseNode: EvaluationNode {
    let range: Range<Int>
    let source: any EvaluationNode
    let alternative: any EvaluationNode
    let givesValue: Bool

    init(_ source: any EvaluationNode, _ alternative: any EvaluationNode, givesValue: Bool, range: Range<Int>) {
        self.source = source
        self.alternative = alternative
        self.givesValue = givesValue
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try source.evaluate(&frame)
        guard case .optional(let optional) = value else {
            throw .noOverload(givesValue ? "orValue" : "or", value).placed(at: range)
        }
        if let inner = optional.value { return givesValue ? inner : value }
        let other = try alternative.evaluate(&frame)
        if !givesValue {
            guard case .optional = other else { throw .noOverload("or", value, other).placed(at: range) }
        }
        return other
    }
}
