/// Where each block of a flow goes in the graph: its node and its path, fixed before the first edge is drawn.
struct FlowLayout {
    struct Place {
        var index: NodeIndex
        var path: String
        /// The node that closes a transaction, a `try` or a turn of a loop; of a conditional branch, the one behind which its
        /// own `fail` handles what fails inside.
        var end: NodeIndex?
        /// The node that counts jumps backwards.
        var jump: NodeIndex?
        /// The node that waits before another attempt at a block that is no one effect.
        var again: NodeIndex?
        /// The ids inside a loop.
        var ids: [String] = []
        /// The branches of a `parallel`: the node that ends each, and the ids inside.
        var branches: [(end: NodeIndex, ids: [String])] = []
        /// The nodes of the branches of `mode: all`; the node behind which a loop's own `fail` handles what fails inside.
        var chain: [NodeIndex] = []
        /// The nodes that failures inside a `try` pass.
        var handler: Handler?

        /// The first node of what the block holds.
        var inside: Int { (again ?? jump ?? index).rawValue + 1 }
    }

    struct Handler {
        /// Chooses the catch.
        var catching: NodeIndex
        /// Keeps a failure that no catch took until `finally` is over.
        var holding: NodeIndex
        /// Passes on a failure of `finally`.
        var rethrowing: NodeIndex
    }

    /// By `BlockSource.order`.
    private(set) var places: [Int: Place] = [:]
    private(set) var count = 0
    /// The place of each id's first use: its block and its line.
    private(set) var ids: [String: (order: Int, line: Int)] = [:]

    /// Lays out the blocks in the order written; an id given twice is a finding.
    init(_ list: BlockList, context: FileContext) {
        add(list, prefix: "", context)
    }

    private mutating func next() -> NodeIndex {
        defer { count += 1 }
        return NodeIndex(count)
    }

    private mutating func add(_ list: BlockList, prefix: String, _ context: FileContext) {
        for block in list.blocks {
            let path = prefix + (block.id?.value ?? String(block.position))
            if let id = block.id { note(id, block, context) }
            var place = Place(index: next(), path: path)
            if block.jumps != nil { place.jump = next() }
            if block.retry != nil, !block.body.isEffect { place.again = next() }
            switch block.body {
            case .transaction(let body):
                add(body, prefix: path + "/do/", context)
                place.end = next()
            case .branch(let branches, let isAll):
                for (number, branch) in branches.enumerated() {
                    if isAll { place.chain.append(next()) }
                    add(branch.body, prefix: "\(path)/\(number)/", context)
                }
                if block.fail != nil { place.end = next() }
            case .loop(let loop):
                let known = Set(ids.keys)
                add(loop.body, prefix: path + "/do/", context)
                place.ids = ids.keys.filter { !known.contains($0) }.sorted()
                place.end = next()
                if block.fail != nil, !loop.hasBranches { place.chain.append(next()) }
            case .parallel(let parallel):
                for branch in parallel.branches {
                    let known = Set(ids.keys)
                    add(branch.body, prefix: "\(path)/\(branch.name.value)/", context)
                    let inside = ids.keys.filter { !known.contains($0) }.sorted()
                    place.branches.append((end: next(), ids: inside))
                }
            case .tryBlocks(let attempt):
                add(attempt.body, prefix: path + "/do/", context)
                let catching = next()
                for (number, item) in attempt.catches.enumerated() {
                    add(item.body, prefix: "\(path)/catch/\(number)/", context)
                }
                let holding = next()
                if let finally = attempt.finally { add(finally, prefix: path + "/finally/", context) }
                place.end = next()
                place.handler = Handler(catching: catching, holding: holding, rethrowing: next())
            default: break
            }
            if let success = block.success { add(success, prefix: path + "/success/", context) }
            if let fail = block.fail { add(fail, prefix: path + "/fail/", context) }
            places[block.order] = place
        }
    }

    private mutating func note(_ id: Located<String>, _ block: BlockSource, _ context: FileContext) {
        if let first = ids[id.value] {
            context.error(
                .idTwice,
                "the id '\(id.value)' is taken",
                at: id.range,
                notes: ["the first block of that id is in line \(first.line)"]
            )
            return
        }
        ids[id.value] = (block.order, context.text.position(at: id.range.lowerBound).line)
    }
}
