import Crypto

// A version is what a run needs of its flow's own text, and behind a dash what it needs of its sub-flows. Runs that were
// recorded before sub-flows counted have the first part alone.
extension FlowVersion {
    /// Without what the sub-flows add.
    package var own: FlowVersion { FlowVersion(String(rawValue.prefix { $0 != "-" })) }

    /// As people are told of it: twelve digits of each part tell the versions of a flow apart.
    package var short: String {
        rawValue.split(separator: "-").map { $0.prefix(12) }.joined(separator: "-")
    }

    /// Whether a run that was recorded with `recorded` began with this version.
    package func isMeant(by recorded: FlowVersion) -> Bool { self == recorded || own == recorded }
}

extension [String: FlowGraph] {
    /// The flows with versions that hold those of every flow that they can come to run: a run keeps the sub-flows that it
    /// began with, as it keeps its own.
    ///
    /// Code that works out which flow it runs can come to run any.
    func pinningSubflows() -> [String: FlowGraph] {
        let callees = mapValues(Callees.init)
        let all = digest(of: Set(keys))
        return mapValues { graph in
            var reached: Set<String>? = []
            var next = [graph.name]
            while let name = next.popLast(), reached != nil {
                guard let direct = callees[name] else { continue }
                guard let names = direct.names else { reached = nil; break }
                for name in names where reached?.insert(name).inserted == true { next.append(name) }
            }
            // A flow that runs itself alone depends on nothing else.
            guard reached?.subtracting([graph.name]).isEmpty != true else { return graph }
            var pinned = graph
            let digest = reached.map { self.digest(of: $0) } ?? all
            pinned.version = FlowVersion("\(graph.version.rawValue)-\(digest)")
            return pinned
        }
    }

    /// The first 32 digits of SHA-256; the versions are those before `pinningSubflows`.
    private func digest(of names: Set<String>) -> String {
        var hash = SHA256()
        hash.update(data: Array("runnel-subflows-1\n".utf8))
        for name in names.sorted() {
            // Neither a name nor a version has a line break; code may name what is not there.
            hash.update(data: Array("\(name)\n\(self[name]?.version.rawValue ?? "")\n".utf8))
        }
        return String(FlowVersion(digest: hash.finalize()).rawValue.prefix(32))
    }
}

/// The flows that a flow's blocks and code run.
private struct Callees {
    /// Nil: any.
    private(set) var names: Set<String>? = []

    init(_ graph: FlowGraph) {
        for node in graph.nodes {
            switch node.action {
            case .runFlow(let block): names?.insert(block.flow)
            case .code(let block):
                for text in block.libraries + [block.body] {
                    let called = JavaScriptNames.literals(ofCallsTo: "runFlow", in: text.text)
                    names = called.flatMap { names?.union($0) }
                }
            default: break
            }
        }
    }
}
