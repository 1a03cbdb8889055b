import Expressions
import FlowEngine
import FlowLanguage

/// One passage through a block as two versions of a flow are compared by: what it did, not where it stands.
struct BehaviourStep {
    var path: BlockPath
    var visit: Int
    var id: String?
    var block: String
    /// What a block without an effect did.
    var result: Value
    /// Of a block with an effect: evaluated input or request, once for each entry.
    var inputs: [Value]
    var outputs: [Value]
    var failures: [Value]

    /// The steps of a run, in their order.
    static func steps(of run: ReplayedRun) -> [BehaviourStep] {
        struct Key: Hashable {
            var path: BlockPath
            var visit: Int
        }
        let entries = Dictionary(grouping: run.entries) { Key(path: $0.address.path, visit: $0.address.visit) }
        return run.passes.map { pass in
            let own = pass.hasEntry ? entries[Key(path: pass.path, visit: pass.visit)] ?? [] : []
            return BehaviourStep(
                path: pass.path,
                visit: pass.visit,
                id: pass.id,
                block: pass.block,
                result: withoutPlaces(pass.result),
                inputs: own.map { withoutKey($0.input) },
                outputs: own.map(\.output),
                failures: own.map { $0.failure.map { withoutPlaces($0.behaviour) } ?? .null }
            )
        }
    }

    /// Keys follow from paths: a block that was moved sends the same with another.
    private static func withoutKey(_ input: Value) -> Value {
        guard case .map(var map) = input else { return input }
        // Which run a branch is says nothing of what it does.
        if map["index"] != nil || map["branch"] != nil { map["run"] = nil }
        guard OutsideRequest(input) != nil else { return .map(map) }
        map["key"] = .null
        return .map(map)
    }

    /// A failed expression tells its place in the file, which a comment above it moves.
    private static func withoutPlaces(_ value: Value) -> Value {
        switch value {
        case .map(var map):
            for (key, member) in map { map[key] = withoutPlaces(member) }
            if map["type"] == "expression", let message = map["message"]?.stringValue {
                map["message"] = .string(message.split(separator: ": ").dropFirst().joined(separator: ": "))
            }
            return .map(map)
        case .list(let list): return .list(list.map(withoutPlaces))
        default: return value
        }
    }

    /// Whether both went through the same block.
    func isSameBlock(as other: BehaviourStep) -> Bool { id == other.id && block == other.block }

    /// What they did differently; nil: nothing.
    func difference(from other: BehaviourStep) -> (aspect: Divergence.Aspect, old: Value, new: Value)? {
        if !Value.list(inputs).isIdentical(to: .list(other.inputs)) {
            return (.input, Self.first(inputs, other.inputs), Self.first(other.inputs, inputs))
        }
        if !Value.list(failures).isIdentical(to: .list(other.failures)) {
            return (.failure, Self.first(failures, other.failures), Self.first(other.failures, failures))
        }
        if !Value.list(outputs).isIdentical(to: .list(other.outputs)) {
            return (.output, Self.first(outputs, other.outputs), Self.first(other.outputs, outputs))
        }
        if !shown.isIdentical(to: other.shown) { return (.result, result, other.result) }
        return nil
    }

    /// The number of a branch says where it stands, not what it does.
    private var shown: Value {
        guard isChoice, result["result"] == "done" else { return result }
        return ["result": "done"]
    }

    var isChoice: Bool { block == "conditional-branch" || block == "try" }

    private static func first(_ own: [Value], _ others: [Value]) -> Value {
        for (number, value) in own.enumerated() {
            guard number < others.count, value.isIdentical(to: others[number]) else { return value }
        }
        return own.last ?? .null
    }
}

extension BlockFailure {
    /// What a flow sees of it, without the path of the block.
    var behaviour: Value {
        guard case .map(var form) = capsuleValue else { return .null }
        form["block"] = nil
        return .map(form)
    }
}
