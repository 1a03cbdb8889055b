import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `request`: any of Stripe's core operations, for what the other commands do not cover.
///
/// It knows names, paths and required parameters; what else a parameter may be, Stripe says. For admins unless the app
/// grants it, and then `check` warns.
struct StripeCall: Command {
    let settings: PaymentsSettings

    static let declaration = CommandDeclaration(
        name: "request",
        summary: "Calls an operation of Stripe's API by its name, such as subscriptions.retrieve",
        parameters: [
            ParameterDeclaration(
                name: "operation",
                type: .string,
                isRequired: true,
                summary: "Resource and method as Stripe's libraries name them: customers.list"
            ),
            ParameterDeclaration(
                name: "path",
                type: .map(.string, .string),
                summary: "The ids in the operation's path: { id: cus_… }"
            ),
            ParameterDeclaration(
                name: "parameters",
                type: .map(.string, .dynamic),
                summary: "What Stripe's documentation lists for the operation"
            ),
        ],
        output: RecordType(name: "Stripe object", fields: [:], isOpen: true),
        risk: "do all that the key may do, such as paying money out",
        inspect: { StripeCallCheck.fault(of: $0) }
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        let name = call.data["operation"]?.stringValue ?? ""
        guard let operation = StripeOperations.all[name] else {
            return .fail(
                .payments("operation_unknown", "Stripe has no core operation of that name", param: "operation")
            )
        }
        if let reason = StripeCallCheck.refused[name] {
            return .fail(.payments("operation_refused", "\(name): \(reason)", status: 403, param: "operation"))
        }
        let parameters = call.data["parameters"]?.mapValue ?? [:]
        for parameter in operation.required where !Self.has(parameter, in: parameters) {
            return .fail(.payments("parameter_missing", "\(name) needs `\(parameter)`", param: parameter))
        }
        guard !Self.holdsCardData(.map(parameters), depth: 0) else {
            let message = "card data must not pass through a flow: it would stand in the journal"
            return .fail(.payments("card_data_refused", message, param: "parameters"))
        }
        let ids = call.data["path"]?.mapValue ?? [:]
        guard let path = operation.path(filledWith: { StripeID.expandable(ids[$0]) }) else {
            let needed = operation.variables.joined(separator: ", ")
            return .fail(.payments("path_incomplete", "\(name) needs in `path`: \(needed)", param: "path"))
        }
        do throws(Refusal) {
            return .send(Self.request(operation, path, try StripeRequest.body(parameters), call))
        } catch {
            return .fail(error.failure)
        }
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let object = (try? JSON.parse(answer.body))?.mapValue else {
            return .fail(StripeFailure.malformed(answer, expected: "an object", retryable: request.method == "GET"))
        }
        return .succeed(object)
    }

    private static func request(
        _ operation: StripeOperation,
        _ path: String,
        _ form: String,
        _ call: CommandCall
    ) -> OutsideRequest {
        if operation.verb == "POST" { return StripeRequest.post(path, form, key: call.key, call) }
        return OutsideRequest(
            connection: call.connection.name,
            method: operation.verb,
            path: form.isEmpty ? path : "\(path)?\(form)",
            effect: operation.verb == "GET" ? .safe : .keyed,
            key: operation.verb == "GET" ? nil : call.key
        )
    }

    /// Whether a parameter is there, by its dotted name.
    private static func has(_ name: String, in parameters: ValueMap) -> Bool {
        var value = Value.map(parameters)
        for part in name.split(separator: ".") {
            guard let member = value[String(part)], member != .null else { return false }
            value = member
        }
        return true
    }

    private static let cardMembers: Set<String> = ["number", "cvc", "account_number", "iban"]

    /// Numbers of cards and accounts, wherever they stand; the depth of data is bounded by its reader.
    private static func holdsCardData(_ value: Value, depth: Int) -> Bool {
        guard depth < 32 else { return true }
        switch value {
        case .map(let members):
            return members.contains { member in
                cardMembers.contains(member.key.stringValue ?? "") || holdsCardData(member.value, depth: depth + 1)
            }
        case .list(let items): return items.contains { holdsCardData($0, depth: depth + 1) }
        default: return false
        }
    }
}

/// What can be said of a `request` before any run.
enum StripeCallCheck {
    /// Operations that other words of the language do safely, and what these are.
    static let refused = [
        "refunds.create": "the command `refund` does it, and never gives back more than came in",
        "webhookEndpoints.create":
            "the answer holds the signing secret, which would stand in the journal; make the end point at Stripe",
    ]

    static func fault(of data: [NamedTemplate]) -> DataFault? {
        let value = { (name: String) in data.first { $0.name == name }?.value }
        guard case .constant(.string(let name)) = value("operation") else { return nil }
        guard let operation = StripeOperations.all[name] else {
            return DataFault(
                parameter: "operation",
                message: "Stripe has no core operation '\(name)'",
                known: StripeOperations.names,
                given: name
            )
        }
        if let reason = refused[name] { return DataFault(parameter: "operation", message: "'\(name)': \(reason)") }
        if let fault = pathFault(of: operation, value("path")) { return fault }
        guard let given = members(of: value("parameters")) else { return nil }
        let missing = operation.required.filter { name in !given.contains(name.components(before: ".")) }
        guard !missing.isEmpty else { return nil }
        return DataFault(parameter: "parameters", message: "'\(name)' needs \(missing.joined(separator: ", "))")
    }

    private static func pathFault(of operation: StripeOperation, _ path: ValueTemplate?) -> DataFault? {
        guard let given = members(of: path) else { return nil }
        let wanted = operation.variables
        if let extra = given.first(where: { !wanted.contains($0) }) {
            let what = wanted.isEmpty ? "no ids" : wanted.joined(separator: ", ")
            return DataFault(
                parameter: "path",
                message: "'\(operation.name)' takes \(what) in its path, not '\(extra)'"
            )
        }
        guard let missing = wanted.first(where: { !given.contains($0) }) else { return nil }
        return DataFault(
            parameter: "path",
            message: "'\(operation.name)' is \(operation.verb) \(operation.path): 'path' needs '\(missing)'"
        )
    }

    /// The names of a mapping's members; nil when an expression gives the mapping.
    private static func members(of template: ValueTemplate?) -> [String]? {
        switch template {
        case nil: []
        case .map(let members): members.map(\.name)
        case .constant(.map(let map)): map.compactMap { $0.key.stringValue }
        case .constant, .expression, .text, .list: nil
        }
    }
}

extension String {
    /// The part before a mark; all of it when the mark is not there.
    fileprivate func components(before mark: String) -> String {
        firstRange(of: mark).map { String(self[..<$0.lowerBound]) } ?? self
    }
}
