import Expressions

// What blocks take about time and repetition.
extension FlowReader {
    /// Shorter ones are over before anything could be done about them; longer ones are a mistake.
    private static let timeouts: ClosedRange<Duration> = .milliseconds(1) ... .seconds(366 * 86_400)

    func readTimeout(_ node: YAMLNode) -> Duration? {
        context.duration(of: node, what: "'timeout'", in: Self.timeouts)
    }

    /// `next: again`, or `next: { to: again, max: 5 }` for a jump backwards.
    func readNext(_ node: YAMLNode) -> (target: Located<String>, jumps: Located<Int>?)? {
        guard case .mapping = node.content else {
            return context.text(of: node, what: "'next'").map { ($0, nil) }
        }
        guard var reader = MappingReader(node, context, what: "'next'") else { return nil }
        let target = reader.requiredText("to")
        let max = reader.required("max") == nil ? nil : reader.int("max", in: 1...Int64(Limits.turnsPerLoop))
        reader.finish()
        return target.map { ($0, max.map { Located(value: Int($0.value), range: $0.range) }) }
    }

    func readRetry(_ pair: YAMLPair) -> RetrySource? {
        guard var reader = MappingReader(pair.value, context, what: "'retry'") else { return nil }
        let pauses: ClosedRange<Duration> = .zero ... .seconds(86_400)
        func pause(_ name: String) -> Located<Duration>? {
            reader.value(name).flatMap { node in
                context.duration(of: node, what: "'\(name)'", in: pauses).map { Located(value: $0, range: node.range) }
            }
        }
        let attempts = reader.required("attempts").flatMap {
            context.int(of: $0, what: "'attempts'", in: 1...Int64(Limits.attemptsPerBlock))
        }
        let first = pause("first")?.value ?? .seconds(1)
        let factor = reader.value("factor").flatMap { thousandths($0, what: "'factor'", in: 1...10) }
        let longest = pause("max")
        let jitter = reader.value("jitter").flatMap { thousandths($0, what: "'jitter'", in: 0...1) }
        let on = reader.value("on")
        reader.finish()
        if let longest, longest.value < first {
            context.error(
                .valueRange,
                "'max' is the longest pause, so it is at least 'first' (\(first.authorText))",
                at: longest.range
            )
        }
        let policy = RetryPolicy(
            attempts: Int(attempts?.value ?? 1),
            first: first,
            factor: factor ?? 2_000,
            max: max(first, longest?.value ?? .seconds(60)),
            jitter: jitter ?? 200
        )
        return RetrySource(policy: policy, on: on, range: pair.key.range)
    }

    private func thousandths(_ node: YAMLNode, what: String, in range: ClosedRange<Double>) -> Int? {
        let number: Double
        switch node.scalar?.resolved {
        case .int(let value)?: number = Double(value)
        case .double(let value)?: number = value
        default:
            guard !node.isUnreadable else { return nil }
            context.error(.typeNumber, "\(what) is a number; found \(node.kindName)", at: node.range)
            return nil
        }
        guard range.contains(number) else {
            let bounds = "between \(Int(range.lowerBound)) and \(Int(range.upperBound))"
            context.error(.valueRange, "\(what) is a number \(bounds)", at: node.range)
            return nil
        }
        return Int((number * 1_000).rounded())
    }

    func readWait(_ word: Located<String>, _ reader: inout MappingReader) -> BlockBody {
        let source = WaitSource(
            span: reader.value("for"),
            time: reader.value("until"),
            event: reader.text("event"),
            key: reader.value("key")
        )
        let given = [source.span != nil, source.time != nil, reader.has("event")]
        if given.count(where: { $0 }) != 1 {
            context.error(
                .waitShape,
                "'wait' takes one of 'for', 'until' and 'event'",
                at: reader.headRange,
                notes: ["such as 'for: 5m', 'until: blocks.order.dueAt' or 'event: order-shipped'"]
            )
        } else if let key = source.key, source.event == nil {
            context.error(.waitShape, "'key' belongs to 'event'", at: key.range)
        }
        return .wait(source)
    }
}
