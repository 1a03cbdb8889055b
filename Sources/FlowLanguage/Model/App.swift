package import Expressions

/// A whole checked app: what `app.yaml` says and the graphs of its flows.
package struct App: Sendable {
    package var name: String
    /// The default of every amount, lower-case ISO 4217.
    package var currency: String
    /// Declared roles, and the built-in `admin` and `public`.
    package var roles: [String]
    /// The app's own tables, in the order written, then the system tables of its features.
    package var tables: [Table]
    package var invariants: [Invariant]
    package var connections: [ConnectionDeclaration]
    package var payments: PaymentsDeclaration?
    package var events: [EventDeclaration]
    /// By name.
    package var flows: [String: FlowGraph]

    package init(
        name: String,
        currency: String,
        roles: [String],
        tables: [Table] = [],
        invariants: [Invariant] = [],
        connections: [ConnectionDeclaration] = [],
        payments: PaymentsDeclaration? = nil,
        events: [EventDeclaration] = [],
        flows: [String: FlowGraph] = [:]
    ) {
        self.name = name
        self.currency = currency
        self.roles = roles
        self.tables = tables
        self.invariants = invariants
        self.connections = connections
        self.payments = payments
        self.events = events
        self.flows = flows
    }

    package func table(named name: String) -> Table? { tables.first { $0.name == name } }

    package func connection(named name: String) -> ConnectionDeclaration? {
        connections.first { $0.name == name }
            ?? (name == ConnectionDeclaration.anyHost.name ? ConnectionDeclaration.anyHost : nil)
    }

    /// The flows that a payment-callback trigger, such as `payment: completed`, starts.
    package func flows(on trigger: CallbackTrigger) -> [FlowGraph] {
        flows.values.filter { $0.trigger == .callback(trigger) }.sorted { $0.name < $1.name }
    }
}

/// An event that runs may wait for, sent by callers with `POST /events/<name>`.
package struct EventDeclaration: Sendable, Hashable {
    package var name: String
    /// Roles that may send it; `admin` always may.
    package var access: [String]

    package init(name: String, access: [String]) {
        self.name = name
        self.access = access
    }
}

/// A sentence that must hold over the tables, checked by tests and torture.
package struct Invariant: Sendable {
    package var expression: Expression
    package var range: SourceRange

    package init(expression: Expression, range: SourceRange) {
        self.expression = expression
        self.range = range
    }
}

/// A named, configured service.
package struct ConnectionDeclaration: Sendable {
    package var name: String
    /// `stripe`, `sendgrid` or `http`.
    package var service: String
    /// Roles by command; a command that is not named is for `admin` alone.
    package var access: [String: [String]]
    /// What else the service takes, such as `from`, `url`, `allow`; constants, checked by the service's declaration.
    package var settings: ValueMap
    package var range: SourceRange

    package init(
        name: String,
        service: String,
        access: [String: [String]] = [:],
        settings: ValueMap = ValueMap(),
        range: SourceRange
    ) {
        self.name = name
        self.service = service
        self.access = access
        self.settings = settings
        self.range = range
    }
}

/// `payments:` of `app.yaml`: the feature is on, bound to one order table.
package struct PaymentsDeclaration: Sendable {
    package var connection: String
    package var orderTable: String
    /// Payments with no flow, by name: the amount is fixed here, never by the page.
    package var widgets: [Widget]

    package struct Widget: Sendable {
        package var name: String
        package var amount: Int64
        package var currency: String?
        /// Where `app.yaml` names it.
        package var range: SourceRange

        package init(name: String, amount: Int64, currency: String?, range: SourceRange) {
            self.name = name
            self.amount = amount
            self.currency = currency
            self.range = range
        }
    }

    package init(connection: String, orderTable: String, widgets: [Widget] = []) {
        self.connection = connection
        self.orderTable = orderTable
        self.widgets = widgets
    }
}
