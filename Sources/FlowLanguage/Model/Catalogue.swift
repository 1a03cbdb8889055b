package import Expressions

/// What the checker knows of the world outside the flow files: services with their commands, and what features bring.
///
/// The engine's side implements what is declared here; `FlowLanguage` only reads it.
package struct Catalogue: Sendable {
    package var services: [ServiceDeclaration]
    /// System tables that `payments:` brings.
    package var paymentTables: [Table]
    /// What `callback-handler` gives in a flow with that trigger.
    package var callbackOutputs: [CallbackTrigger: RecordType]

    package init(
        services: [ServiceDeclaration] = [],
        paymentTables: [Table] = [],
        callbackOutputs: [CallbackTrigger: RecordType] = [:]
    ) {
        self.services = services
        self.paymentTables = paymentTables
        self.callbackOutputs = callbackOutputs
    }

    package func service(named name: String) -> ServiceDeclaration? { services.first { $0.name == name } }
}

/// A kind of connection, such as `stripe`.
package struct ServiceDeclaration: Sendable {
    package var name: String
    package var settings: [ParameterDeclaration]
    package var commands: [CommandDeclaration]

    package init(name: String, settings: [ParameterDeclaration] = [], commands: [CommandDeclaration] = []) {
        self.name = name
        self.settings = settings
        self.commands = commands
    }

    package func command(named name: String) -> CommandDeclaration? { commands.first { $0.name == name } }
}

/// An operation of a service: what it takes and what it gives.
package struct CommandDeclaration: Sendable {
    package var name: String
    package var summary: String
    package var parameters: [ParameterDeclaration]
    package var output: RecordType
    package var effect: Effect
    /// Needs `payments:` in the app.
    package var needsPayments: Bool
    /// What a role that is granted it can do with it, for the warning that another role than admin has it.
    package var risk: String?
    /// Looks at what is known of the data before any run; gives the first fault.
    package var inspect: (@Sendable ([NamedTemplate]) -> DataFault?)?

    package init(
        name: String,
        summary: String,
        parameters: [ParameterDeclaration],
        output: RecordType,
        effect: Effect = .keyed,
        needsPayments: Bool = false,
        risk: String? = nil,
        inspect: (@Sendable ([NamedTemplate]) -> DataFault?)? = nil
    ) {
        self.name = name
        self.summary = summary
        self.parameters = parameters
        self.output = output
        self.effect = effect
        self.needsPayments = needsPayments
        self.risk = risk
        self.inspect = inspect
    }
}

/// What is wrong with a command's data, as far as it can be known before a run.
package struct DataFault: Sendable, Hashable {
    package var parameter: String
    package var message: String
    /// The names that would have been known, and the one that was given.
    package var known: [String]
    package var given: String

    package init(parameter: String, message: String, known: [String] = [], given: String = "") {
        self.parameter = parameter
        self.message = message
        self.known = known
        self.given = given
    }
}

/// A named value that a command or service takes.
package struct ParameterDeclaration: Sendable {
    package var name: String
    package var type: ExpressionType
    package var isRequired: Bool
    package var summary: String
    /// The only values, when there are few.
    package var allowed: [String]

    package init(
        name: String,
        type: ExpressionType,
        isRequired: Bool = false,
        summary: String = "",
        allowed: [String] = []
    ) {
        self.name = name
        self.type = type
        self.isRequired = isRequired
        self.summary = summary
        self.allowed = allowed
    }
}

/// How an effect outside the process may be repeated.
package enum Effect: String, Sendable, Hashable, CaseIterable {
    /// May be repeated: it only reads.
    case safe
    /// Carries a key by which the other side recognises a repetition.
    case keyed
    /// At most once; an answer that was lost parks the run as `outcome-unknown`.
    case once
}

/// The generated callback actionflows' triggers.
package enum CallbackTrigger: String, Sendable, Hashable, CaseIterable {
    case paymentCompleted = "payment: completed"
    case refundCompleted = "refund: completed"
    case recurringManaged = "recurring-payment: managed"
    case recurringCharged = "recurring-payment: charged"
    case recurringDue = "recurring-payment: due"
}
