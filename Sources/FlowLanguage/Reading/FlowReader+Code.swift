extension FlowReader {
    func readCode(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        let code = reader.value("code")
        let file = reader.text("file")
        if code == nil, file == nil {
            context.error(.keyMissing, "a 'custom-code' has 'code', or 'file'", at: word.range)
        }
        if let code, let file {
            context.error(
                .codeTwice,
                "a 'custom-code' has 'code' or 'file', not both",
                at: max(code.range.lowerBound, file.range.lowerBound) == file.range.lowerBound ? file.range : code.range
            )
        }
        let libraries = reader.value("use").flatMap { context.texts(of: $0, what: "'use'") } ?? []
        let args = reader.value("args").flatMap { context.pairs(of: $0, what: "'args'") } ?? []
        let returns = reader.value("returns").map { readReturns($0) } ?? []
        var limits = CodeLimits()
        if let node = reader.value("limits"), var inner = MappingReader(node, context, what: "'limits'") {
            limits.milliseconds = number(&inner, "time", CodeLimits.millisecondsAllowed) ?? limits.milliseconds
            limits.megabytes = number(&inner, "memory", CodeLimits.megabytesAllowed) ?? limits.megabytes
            limits.calls = number(&inner, "calls", CodeLimits.callsAllowed) ?? limits.calls
            limits.logLines = number(&inner, "logs", CodeLimits.logLinesAllowed) ?? limits.logLines
            inner.finish()
        }
        return .code(
            CodeBlockSource(
                code: code,
                file: file,
                libraries: libraries,
                args: args,
                returns: returns,
                limits: limits,
                usesBigInt: reader.bool("bigint")?.value ?? false
            )
        )
    }

    private func number(_ reader: inout MappingReader, _ name: String, _ range: ClosedRange<Int>) -> Int? {
        reader.int(name, in: Int64(range.lowerBound)...Int64(range.upperBound)).map { Int($0.value) }
    }

    /// `returns: { total: int }`, or as an input is declared: `{ total: { type: int, min: 1 } }`.
    private func readReturns(_ node: YAMLNode) -> [InputDeclaration] {
        guard case .mapping(let pairs) = node.content else { return readInputs(node, what: "'returns'") }
        let isShort = { (pair: YAMLPair) in pair.value.scalar.map { ColumnType(rawValue: $0.text) != nil } ?? false }
        let short = pairs.filter(isShort).compactMap { pair in
            pair.value.scalar.flatMap { ColumnType(rawValue: $0.text) }.map {
                InputDeclaration(name: pair.name, type: $0)
            }
        }
        var rest = node
        rest.content = .mapping(pairs.filter { !isShort($0) })
        return short + readInputs(rest, what: "'returns'")
    }
}
