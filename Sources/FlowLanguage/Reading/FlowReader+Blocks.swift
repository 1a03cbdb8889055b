extension FlowReader {
    /// The words of the blocks that this version has.
    static let blockWords = [
        "execute-connection-command", "conditional-branch", "callback-handler", "set-variables", "find-record",
        "find-records", "insert-record", "upsert-record", "update-record", "delete-record", "transaction", "respond",
        "fail", "log",
        "run-flow", "try",
        "for-each", "while", "parallel",
        "http-request", "custom-code", "wait",
    ]
    /// Keys that every block has.
    private static let commonKeys = ["id", "title", "when", "next", "fail", "retry", "timeout", "do"]
    private static let unavailableKeys = ["effect"]

    mutating func readBlocks(_ node: YAMLNode, what: String) -> BlockList {
        var blocks: [BlockSource] = []
        for (position, item) in (context.items(of: node, what: what) ?? []).enumerated() {
            blockCount += 1
            if blockCount == Limits.blocksPerFlow + 1 {
                context.error(.limitBlocks, "a flow has at most \(Limits.blocksPerFlow) blocks", at: item.range)
            }
            guard blockCount <= Limits.blocksPerFlow else { break }
            if let block = readBlock(item, position: position) { blocks.append(block) }
        }
        return BlockList(blocks: blocks, range: node.range)
    }

    private mutating func readBlock(_ node: YAMLNode, position: Int) -> BlockSource? {
        let order = blockCount
        guard var reader = MappingReader(node, context, what: "a block") else { return nil }
        guard let word = reader.requiredText("block") else {
            reader.abandon(knowing: Self.commonKeys)
            return nil
        }
        var id = reader.text("id")
        if let given = id, !context.checkIdentifier(given, what: "the id") { id = nil }
        let title = readTitle(&reader)
        let when = reader.value("when")
        let next = reader.value("next").flatMap { readNext($0) }
        let retry = reader.pair("retry").flatMap { readRetry($0) }
        let timeout = reader.pair("timeout").flatMap { pair in
            readTimeout(pair.value).map { Located(value: $0, range: pair.key.range) }
        }
        let fail = reader.value("fail")
        let body = readBody(word, &reader)
        var block = BlockSource(
            order: order,
            position: position,
            id: id,
            word: word,
            title: title,
            when: when,
            next: next?.target,
            jumps: next?.jumps,
            retry: retry,
            timeout: timeout,
            body: body,
            range: node.range
        )
        if let fail {
            let list = readBlocks(fail, what: "'fail'")
            // What is no list handles nothing: the flow is checked as if it was not there.
            if case .sequence = fail.content { block.fail = list }
        }
        if case .command = body, let success = reader.value("success") {
            block.success = readBlocks(success, what: "'success'")
        }
        if case .broken = body { return block }
        reader.describe("block '\(word.value)'")
        reader.finish(unavailable: Self.unavailableKeys)
        return block
    }

    private mutating func readBody(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        switch word.value {
        case "execute-connection-command":
            return .command(
                connection: reader.requiredText("connection"),
                command: reader.requiredText("command"),
                data: reader.value("data"),
                effect: reader.choice("effect", of: Effect.self)?.value
            )
        case "conditional-branch": return readBranch(&reader)
        case "callback-handler": return .callbackHandler
        case "custom-code": return readCode(word, &reader)
        case "set-variables":
            return .setVariables(reader.required("set").flatMap { context.pairs(of: $0, what: "'set'") } ?? [])
        case "find-record", "find-records": return readFind(&reader, isMany: word.value == "find-records")
        case "insert-record":
            return .insert(RecordSource(table: reader.requiredText("table"), set: reader.required("set")))
        case "upsert-record":
            return .upsert(
                RecordSource(table: reader.requiredText("table"), set: reader.required("set")),
                on: reader.requiredText("on")
            )
        case "update-record":
            let record = RecordSource(
                table: reader.requiredText("table"),
                conditions: requiredWhere(&reader, word),
                set: reader.required("set")
            )
            return .update(record, expect: expect(&reader))
        case "delete-record":
            let record = RecordSource(table: reader.requiredText("table"), conditions: requiredWhere(&reader, word))
            return .delete(record, expect: expect(&reader))
        case "transaction":
            let list = reader.required("do").map { readBlocks($0, what: "'do'") }
            return .transaction(list ?? BlockList(blocks: [], range: word.range))
        case "for-each", "while": return readLoop(word, &reader)
        case "parallel": return readParallel(word, &reader)
        case "wait": return readWait(word, &reader)
        case "try": return readTry(word, &reader)
        case "respond": return readRespond(&reader)
        case "fail": return readFail(&reader)
        case "log": return readLog(&reader)
        case "run-flow": return readRunFlow(&reader)
        case "http-request": return readHTTPRequest(&reader)
        default:
            reportUnknown(word)
            return .broken
        }
    }

    private func reportUnknown(_ word: Located<String>) {
        let near = context.likely(word.value, among: Self.blockWords)
        context.error(
            .blockUnknown,
            "there is no block '\(word.value)'",
            at: word.range,
            notes: near.isEmpty ? ["blocks are \(Self.blockWords.listed)"] : near
        )
    }

    private func requiredWhere(_ reader: inout MappingReader, _ word: Located<String>) -> YAMLNode? {
        if let node = reader.value("where") { return node }
        context.error(
            .whereMissing,
            "'\(word.value)' needs 'where': without it, every row would be meant",
            at: word.range
        )
        return nil
    }

    private func expect(_ reader: inout MappingReader) -> Int? {
        reader.int("expect", in: 0...1_000_000).map { Int($0.value) }
    }

    // MARK: One block each

    private mutating func readBranch(_ reader: inout MappingReader) -> BlockBody {
        enum Mode: String, CaseIterable, Sendable { case first, all }
        let mode = reader.choice("mode", of: Mode.self)?.value ?? .first
        guard let node = reader.required("branches") else { return .branch([], isAll: mode == .all) }
        var branches: [BranchSource] = []
        let items = context.items(of: node, what: "'branches'") ?? []
        if items.isEmpty, !node.isUnreadable, case .sequence = node.content {
            context.error(.branchEmpty, "'branches' lists at least one branch", at: node.range)
        }
        for (position, item) in items.enumerated() {
            guard var branch = MappingReader(item, context, what: "a branch") else { continue }
            let when = branch.value("when")
            let otherwise = branch.pair("else")
            if let otherwise {
                if position < items.count - 1 {
                    context.error(.branchElse, "'else' is the last branch", at: otherwise.key.range)
                }
                if when != nil {
                    context.error(.branchElse, "a branch has 'when' or 'else', not both", at: otherwise.key.range)
                }
                if otherwise.value.scalar?.resolved != .null {
                    context.error(
                        .branchElse,
                        "'else' stands alone; the blocks of the branch stand under 'do'",
                        at: otherwise.value.range
                    )
                }
            } else if when == nil {
                context.error(.keyMissing, "a branch needs 'when', or 'else'", at: branch.headRange)
            }
            let list = branch.required("do").map { readBlocks($0, what: "'do'") }
            branch.finish()
            guard otherwise != nil || when != nil else { continue }
            branches.append(
                BranchSource(
                    when: otherwise == nil ? when : nil,
                    body: list ?? BlockList(blocks: [], range: item.range),
                    range: item.range
                )
            )
        }
        return .branch(branches, isAll: mode == .all)
    }

    private func readFind(_ reader: inout MappingReader, isMany: Bool) -> BlockBody {
        let record = RecordSource(table: reader.requiredText("table"), conditions: reader.value("where"))
        var order: [OrderSource] = []
        if let node = reader.value("order") { order = readOrder(node) }
        // One record is the first, whatever the limit.
        let limit = reader.int("limit", in: 1...Int64(Limits.rowsPerFind)).map { Int($0.value) }
        return .find(record, order: order, limit: isMany ? limit : nil, isMany: isMany)
    }

    /// `order: total`, `order: { total: desc }` or a list of those.
    private func readOrder(_ node: YAMLNode) -> [OrderSource] {
        switch node.content {
        case .unreadable: return []
        case .sequence(let items): return items.flatMap { readOrder($0) }
        case .scalar:
            guard let column = context.text(of: node, what: "'order'") else { return [] }
            return [OrderSource(column: column, isDescending: false)]
        case .mapping(let pairs):
            return pairs.compactMap { pair in
                guard let word = context.text(of: pair.value, what: "the direction") else { return nil }
                guard word.value == "asc" || word.value == "desc" else {
                    context.error(
                        .valueChoice,
                        "the direction is 'asc' or 'desc', not '\(word.value)'",
                        at: word.range,
                        notes: context.likely(word.value, among: ["asc", "desc"])
                    )
                    return nil
                }
                let column = Located(value: pair.name, range: pair.key.range)
                return OrderSource(column: column, isDescending: word.value == "desc")
            }
        }
    }

    private func readRespond(_ reader: inout MappingReader) -> BlockBody {
        let webKey = ["status", "headers", "body"].compactMap { reader.headRangeIfPresent($0) }.min {
            $0.lowerBound < $1.lowerBound
        }
        return .respond(
            RespondSource(
                status: reader.value("status"),
                headers: reader.value("headers").flatMap { context.pairs(of: $0, what: "'headers'") } ?? [],
                body: reader.value("body"),
                output: reader.pair("output"),
                webKey: webKey
            )
        )
    }

    private func readFail(_ reader: inout MappingReader) -> BlockBody {
        guard let node = reader.required("error"), var error = MappingReader(node, context, what: "'error'") else {
            return .fail(FailSource())
        }
        let source = FailSource(
            status: error.value("status"),
            code: error.value("code"),
            message: error.required("message")
        )
        error.finish()
        return .fail(source)
    }

    private func readLog(_ reader: inout MappingReader) -> BlockBody {
        let level = reader.choice("level", of: LogBlock.Level.self)?.value ?? .info
        let fields = reader.value("fields").flatMap { context.pairs(of: $0, what: "'fields'") } ?? []
        return .log(level, message: reader.required("message"), fields: fields)
    }

    private func readRunFlow(_ reader: inout MappingReader) -> BlockBody {
        let input = reader.value("input")
        return .runFlow(
            flow: reader.requiredText("flow"),
            input: input.flatMap { context.pairs(of: $0, what: "'input'") } ?? [],
            inputRange: input?.range,
            mode: reader.choice("mode", of: RunFlowBlock.Mode.self)?.value ?? .wait
        )
    }
}
