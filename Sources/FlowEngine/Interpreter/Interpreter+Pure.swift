import Expressions
import FlowLanguage

// Blocks that touch nothing outside the interpreter: they leave a trace instead of an entry.
extension Interpreter {
    /// Does a pure block and moves on.
    ///
    /// - Returns: False for a block with an effect; nothing changed then.
    mutating func passPure(_ node: Node, now: Timestamp) throws(BlockFailure) -> Bool {
        switch node.action {
        case .branch(let block):
            measure(node, now: now)
            try branch(block, node: node, now: now)
        case .setVariables(let assignments):
            // One step, as it is checked: each value sees the variables as they were before, and a failure sets none.
            let values = try scope(now: now, at: node).evaluate(assignments)
            for assignment in assignments { state.variables[assignment.name] = values[assignment.name] }
            note(node, .done, now: now)
            state.position = .at(node.success ?? node.next)
        case .beginLoop(let loop):
            try begin(loop, node: node, now: now)
        case .beginTry(let body):
            state.held[node.index] = nil
            measure(node, now: now)
            note(node, .done, now: now)
            state.position = .at(body)
        case .log(let block):
            try log(block, node: node, now: now)
        case .respond(let block):
            try respond(block, node: node, now: now)
        case .fail(let block):
            throw try failure(of: block, node: node, now: now)
        case .command, .code, .callbackHandler, .findRecord, .findRecords, .insertRecord, .upsertRecord, .updateRecord,
            .deleteRecord, .beginTransaction, .endTransaction, .runFlow, .chooseCatch, .holdFailure, .endTry, .endTurn,
            .rethrow, .jumpBack, .tryAgain, .wait, .beginBranches, .endBranch:
            return false
        }
        return true
    }

    private mutating func branch(_ block: BranchBlock, node: Node, now: Timestamp) throws(BlockFailure) {
        let scope = scope(now: now, at: node)
        for (position, branch) in block.branches.enumerated() {
            if let when = branch.when, try !scope.holds(when, at: node.range) { continue }
            take(position, of: block, node)
            note(node, .done, now: now, branch.when == nil ? "else" : String(position))
            state.position = .at(branch.entry ?? node.next)
            return
        }
        if let id = node.id { state.blocks[id] = ["taken": -1] }
        note(node, .done, now: now, "none")
        state.position = .at(node.next)
    }

    /// Shows as `taken` which branch is taken; with `mode: all` those that were, in the order written.
    private mutating func take(_ position: Int, of block: BranchBlock, _ node: Node) {
        switch block.part {
        case nil: if let id = node.id { state.blocks[id] = ["taken": .int(Int64(position))] }
        case .head: if let id = node.id { state.blocks[id] = ["taken": []] }
        case .link(let number, let id):
            guard let id else { return }
            let taken = state.blocks[id]?["taken"]?.listValue ?? []
            state.blocks[id] = ["taken": .list(taken + [.int(Int64(number))])]
        }
    }

    private mutating func log(_ block: LogBlock, node: Node, now: Timestamp) throws(BlockFailure) {
        let scope = scope(now: now, at: node)
        // Thousands of blocks may stand between two effects, and their lines wait for the next one.
        let length = loggedBytes < Limits.logBytes ? Limits.logTextLength : Limits.logTextBrief
        let message = Self.logText(try scope.evaluate(block.message), upTo: length)
        var fields: [String: String] = [:]
        for field in block.fields {
            fields[field.name] = Self.logText(try scope.evaluate(field.value), upTo: length)
        }
        loggedBytes += message.utf8.count + fields.values.reduce(0) { $0 + $1.utf8.count }
        lines.append(FlowLogLine(level: block.level, message: message, fields: fields, path: node.path))
        note(node, .done, now: now, message)
        state.position = .at(node.success ?? node.next)
    }

    private static func logText(_ value: Value, upTo length: Int = Limits.logTextLength) -> String {
        let text: String
        if case .string(let string) = value {
            text = string
        } else if let json = try? JSON.encode(value) {  // What JSON cannot say is named by its kind.
            text = String(decoding: json, as: UTF8.self)
        } else {
            text = value.kindName
        }
        guard text.utf8.count > length else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(length)))
    }

    private mutating func respond(_ block: RespondBlock, node: Node, now: Timestamp) throws(BlockFailure) {
        let scope = scope(now: now, at: node)
        guard state.answer == nil else {
            note(node, .skipped, now: now, "answered before")
            state.position = .at(node.success ?? node.next)
            return
        }
        var status = 200
        if let template = block.status {
            let value = try scope.evaluate(template)
            guard let number = value.intValue, (200...599).contains(number) else {
                throw .expression("invalid_status", "the status of an answer is 200 to 599", at: node.range)
            }
            status = Int(number)
        }
        let body: Value =
            if let output = block.output {
                .map(try scope.evaluate(output))
            } else if let template = block.body {
                try scope.evaluate(template)
            } else {
                .null
            }
        if let fault = body.jsonFault {
            throw .expression("not_json", "the answer cannot be written: \(fault)", at: node.range)
        }
        state.answer = RunAnswer(status: status, headers: try headers(block, node: node, scope: scope), body: body)
        note(node, .done, now: now, String(status))
        state.position = .at(node.success ?? node.next)
    }

    private func headers(
        _ block: RespondBlock,
        node: Node,
        scope: FlowScope
    ) throws(BlockFailure) -> ValueMap {
        var headers = ValueMap(minimumCapacity: block.headers.count)
        for header in block.headers {
            let value = try scope.evaluate(header.value)
            // A line break in a header would let its author's data write further headers.
            guard let text = value.stringValue, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw .expression("invalid_header", "a header's value is one line of text", at: node.range)
            }
            headers[header.name.lowercased()] = value
        }
        return headers
    }

    private func failure(of block: FailBlock, node: Node, now: Timestamp) throws(BlockFailure) -> BlockFailure {
        let scope = scope(now: now, at: node)
        let message = try scope.evaluate(block.message)
        var failure = BlockFailure(code: "failed", type: "flow", message: message.stringValue ?? Self.logText(message))
        if let template = block.code {
            let code = try scope.evaluate(template)
            guard let text = code.stringValue else {
                throw .expression("invalid_code", "an error's code is a string", at: node.range)
            }
            failure.code = text
        }
        if let template = block.status {
            let status = try scope.evaluate(template)
            guard let number = status.intValue, (400...599).contains(number) else {
                throw .expression("invalid_status", "the status of an error is 400 to 599", at: node.range)
            }
            failure.status = Int(number)
        }
        return failure
    }
}

extension BlockAction {
    /// The id of the block of which this is one part of several; what it had given by then goes when a part fails.
    var idOfWhole: String? {
        guard case .branch(let block) = self, case .link(_, let id)? = block.part else { return nil }
        return id
    }
}
