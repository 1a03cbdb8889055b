/// The functions by name.
enum FunctionTable {
    static let byName: [String: [FunctionBody]] = {
        var table: [String: [FunctionBody]] = [:]
        let groups = [
            Conversions.functions, TimeFunctions.functions, StringFunctions.functions, MathFunctions.functions,
            ListFunctions.functions, OptionalFunctions.functions, RegexFunctions.functions, FormatFunction.functions,
            MoneyFunctions.functions,
        ]
        for (name, body) in groups.joined() { table[name, default: []].append(body) }
        return table
    }()

    static func body(_ name: String, argumentCount: Int) -> FunctionBody? {
        byName[name]?.first { $0.accepts(argumentCount) }
    }
}
