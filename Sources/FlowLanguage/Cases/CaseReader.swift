import Expressions

/// Reads one file of test cases; what is wrong is reported, and its case left out.
struct CaseReader {
    let context: FileContext
    let app: App
    let scope: ExpressionScope

    init(_ context: FileContext, app: App) {
        self.context = context
        self.app = app
        scope = ExpressionScope(declarations: CaseSlot.declarations(for: app))
    }

    var templates: TemplateCompiler { TemplateCompiler(context, scope: scope) }

    func read(_ root: YAMLNode) -> [TestCase] {
        guard var reader = MappingReader(root, context, what: "a file of test cases") else { return [] }
        guard reader.has("cases") else { return readCase(root).map { [$0] } ?? [] }
        let sharedNode = reader.value("given")
        let shared = sharedNode.map { readGiven($0, from: GivenState()) } ?? GivenState()
        let sharedRange = sharedNode.map { context.text.range($0.range) }
        var cases: [TestCase] = []
        if let node = reader.required("cases") {
            let items = context.items(of: node, what: "'cases'") ?? []
            if items.count > Limits.casesPerFile {
                context.error(
                    .limitEntries,
                    "a file has at most \(Limits.casesPerFile) cases",
                    at: items[Limits.casesPerFile].range
                )
            }
            for item in items.prefix(Limits.casesPerFile) {
                guard var test = readCase(item, given: shared) else { continue }
                test.parts.sharedGiven = sharedRange
                cases.append(test)
            }
        }
        reader.finish()
        return cases
    }

    private func readCase(_ node: YAMLNode, given shared: GivenState = GivenState()) -> TestCase? {
        guard var reader = MappingReader(node, context, what: "a test case") else { return nil }
        let name = reader.requiredText("case")
        let givenNode = reader.value("given")
        let given = givenNode.map { readGiven($0, from: shared) } ?? shared
        var steps: [CaseStep] = []
        if let trigger = reader.value("trigger") {
            steps = readStep(trigger).map { [$0] } ?? []
        } else if let node = reader.required("steps") {
            steps = readSteps(node)
        }
        let expectNode = reader.value("expect")
        let expectation = expectNode.map { readExpectation($0, ofStep: false) } ?? CaseExpectation()
        let disturbances = reader.value("disturb").map(readDisturbances) ?? []
        let checksInvariants = reader.bool("invariants")?.value ?? true
        reader.finish()
        guard let name else { return nil }
        var test = TestCase(
            name: name.value,
            range: context.text.range(name.range),
            given: given,
            steps: steps,
            expectation: expectation,
            disturbances: disturbances,
            parts: TestCase.Parts(
                given: givenNode.map { context.text.range($0.range) },
                expect: expectNode.map { context.text.range($0.range) }
            )
        )
        test.checksInvariants = checksInvariants
        return test
    }

    // MARK: What must hold

    private static let caseParts: Set = ["tables", "runs", "requests", "emails", "log"]
    private static let stepParts: Set = ["status", "output", "error", "path"]

    func readExpectation(_ node: YAMLNode, ofStep isStep: Bool) -> CaseExpectation {
        guard let pairs = context.pairs(of: node, what: "'expect'") else { return CaseExpectation() }
        let known = isStep ? Self.stepParts : Self.caseParts
        var members: [CaseValue.Member] = []
        var conditions: [PlacedExpression] = []
        for pair in pairs {
            if pair.name == "that" {
                conditions = readConditions(pair.value)
            } else if known.contains(pair.name) {
                if pair.name == "tables" { checkTables(pair.value) }
                guard let value = value(of: pair.value) else { continue }
                members.append(CaseValue.Member(name: pair.name, value: value))
            } else {
                let names = known.sorted() + ["that"]
                let near = context.likely(pair.name, among: names)
                context.error(
                    .keyUnknown,
                    "\(isStep ? "a step" : "a case") expects no '\(pair.name)'",
                    at: pair.key.range,
                    notes: near.isEmpty ? ["it expects \(names.listed)"] : near
                )
            }
        }
        let value = members.isEmpty ? nil : CaseValue(.map(members), range: context.text.range(node.range))
        return CaseExpectation(value: value, conditions: conditions)
    }

    private func readConditions(_ node: YAMLNode) -> [PlacedExpression] {
        let items =
            if case .sequence(let items) = node.content { items } else { [node] }
        return items.compactMap {
            ExpressionCompiler(context).bare($0, what: "a condition", scope: scope, expected: .bool)
        }
    }

    /// Names of tables and columns that are not there would make an expectation that can never hold.
    private func checkTables(_ node: YAMLNode) {
        for pair in context.pairs(of: node, what: "'tables'") ?? [] {
            guard let table = table(pair) else { continue }
            guard case .sequence(let rows) = pair.value.content else {
                if !pair.value.isUnreadable {
                    context.error(.typeList, "'\(pair.name)' is a list of rows", at: pair.value.range)
                }
                continue
            }
            for row in rows {
                for member in context.pairs(of: row, what: "a row") ?? [] { checkColumn(member, of: table) }
            }
        }
    }

    func table(_ pair: YAMLPair) -> Table? {
        if let table = app.table(named: pair.name) { return table }
        context.error(
            .tableUnknown,
            "there is no table '\(pair.name)'",
            at: pair.key.range,
            notes: context.likely(pair.name, among: app.tables.map(\.name))
        )
        return nil
    }

    @discardableResult
    func checkColumn(_ pair: YAMLPair, of table: Table) -> Bool {
        if table.recordType.fields[pair.name] != nil { return true }
        context.error(
            .columnUnknown,
            "'\(table.name)' has no column '\(pair.name)'",
            at: pair.key.range,
            notes: context.likely(pair.name, among: table.recordType.fields.keys.sorted())
        )
        return false
    }

    // MARK: Values

    /// A value with the place of each part; nil, with a finding, if it is wrong.
    func value(of node: YAMLNode) -> CaseValue? {
        let range = context.text.range(node.range)
        switch node.content {
        case .unreadable: return nil
        case .scalar:
            guard let compiled = templates.compile(node, .any("the value")) else { return nil }
            return CaseValue(.scalar(compiled.template), range: range)
        case .sequence(let items):
            var values: [CaseValue] = []
            for item in items {
                guard let value = value(of: item) else { return nil }
                values.append(value)
            }
            return CaseValue(.list(values), range: range)
        case .mapping(let pairs):
            var members: [CaseValue.Member] = []
            for pair in pairs {
                guard let value = value(of: pair.value) else { return nil }
                members.append(CaseValue.Member(name: pair.name, value: value))
            }
            return CaseValue(.map(members), range: range)
        }
    }

    func template(of node: YAMLNode, _ what: String, _ type: ExpressionType = .string) -> ValueTemplate? {
        templates.compile(node, Expectation(type: type, what: what))?.template
    }

    /// `90s`, `1d12h`, `500ms`; nil, with a finding, for anything else.
    func duration(of node: YAMLNode, what: String) -> Duration? {
        guard let text = context.text(of: node, what: what) else { return nil }
        if let duration = CaseDuration.parse(text.value) { return duration }
        context.error(
            .caseDuration,
            "\(what) is a time span such as 90s, 2h30m or 31d",
            at: text.range
        )
        return nil
    }
}

/// Time spans as cases write them: numbers, each with its unit, the largest first.
enum CaseDuration {
    /// A case may not go further at once: what is due in between is done step by step.
    private static let longest = Duration.seconds(20 * 366 * 86_400)
    private static let units: [(String, Duration)] = [
        ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3_600)),
        ("d", .seconds(86_400)),
    ]

    static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total = Duration.zero
        guard !rest.isEmpty, rest.utf8.count <= 40 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits), number <= 100_000_000 else { return nil }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            guard let unit = units.first(where: { $0.0 == letters }) else { return nil }
            rest = rest.dropFirst(letters.count)
            total += unit.1 * number
        }
        return total <= longest ? total : nil
    }
}
