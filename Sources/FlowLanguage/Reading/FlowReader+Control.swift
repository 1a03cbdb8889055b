extension FlowReader {
    mutating func readLoop(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        let isEach = word.value == "for-each"
        let head = reader.required(isEach ? "each" : "while")
        var loop = LoopSource(head: head, body: BlockList(blocks: [], range: word.range))
        if isEach {
            loop.name = reader.requiredText("as") ?? Located(value: "item", range: word.range)
            loop.collect = reader.value("collect")
            loop.concurrency = reader.int("concurrency", in: 1...Int64(Limits.concurrentTurns)).map { Int($0.value) }
            loop.onFailure = reader.choice("onFailure", of: BranchesBlock.FailureRule.self)
        } else if reader.required("max") != nil {
            loop.max = reader.int("max", in: 1...Int64(Limits.turnsPerLoop)).map { Int($0.value) }
        }
        if let list = reader.required("do") { loop.body = readBlocks(list, what: "'do'") }
        return .loop(loop)
    }

    mutating func readParallel(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        let join = reader.choice("join", of: BranchesBlock.Join.self)?.value ?? .all
        let onFailure = reader.choice("onFailure", of: BranchesBlock.FailureRule.self)
        if let onFailure, join == .first {
            let message = "with 'join: first' a branch that fails has lost, and the others go on"
            context.error(.parallelJoin, message, at: onFailure.range, notes: ["remove 'onFailure'"])
        }
        var branches: [ParallelSource.Branch] = []
        if let node = reader.required("branches"), let pairs = context.pairs(of: node, what: "'branches'") {
            if pairs.isEmpty { context.error(.branchEmpty, "'branches' names at least one list", at: node.range) }
            if pairs.count > Limits.branchesPerParallel {
                let message = "a 'parallel' has at most \(Limits.branchesPerParallel) branches"
                context.error(.limitEntries, message, at: pairs[Limits.branchesPerParallel].key.range)
            }
            for pair in pairs.prefix(Limits.branchesPerParallel) {
                let name = Located(value: pair.name, range: pair.key.range)
                guard context.checkIdentifier(name, what: "the branch's name") else { continue }
                if ["first", "failures"].contains(name.value) {
                    let message = "'\(name.value)' is what the block itself gives; a branch has another name"
                    context.error(.parallelName, message, at: name.range)
                }
                let list = readBlocks(pair.value, what: "the branch '\(name.value)'")
                branches.append(ParallelSource.Branch(name: name, body: list))
            }
        }
        return .parallel(ParallelSource(branches: branches, join: join, onFailure: onFailure))
    }

    mutating func readTry(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        let body = reader.required("do").map { readBlocks($0, what: "'do'") }
        var catches: [BranchSource] = []
        let written = reader.value("catch")
        let items = written.flatMap { context.items(of: $0, what: "'catch'") } ?? []
        for (position, item) in items.enumerated() {
            guard var mapping = MappingReader(item, context, what: "a catch") else { continue }
            let when = mapping.value("when")
            if when == nil, position < items.count - 1 {
                let message = "a catch without 'when' takes every failure, so it is the last"
                context.error(.branchElse, message, at: mapping.headRange)
            }
            let list = mapping.required("do").map { readBlocks($0, what: "'do'") }
            mapping.finish()
            let blocks = list ?? BlockList(blocks: [], range: item.range)
            catches.append(BranchSource(when: when, body: blocks, range: item.range))
        }
        let finally = reader.value("finally").map { readBlocks($0, what: "'finally'") }
        if written == nil, finally == nil {
            context.error(.keyMissing, "a 'try' needs 'catch' or 'finally'", at: word.range)
        }
        return .tryBlocks(
            TrySource(body: body ?? BlockList(blocks: [], range: word.range), catches: catches, finally: finally)
        )
    }
}
