package import Connections
import Expressions
import FlowEngine
package import FlowLanguage

/// What of an app the payments need, worked out once when the app is loaded.
package struct PaymentsSettings: Sendable {
    /// The app's default currency.
    package let currency: String
    /// Nil while the app has not switched payments on.
    package let declaration: PaymentsDeclaration?
    /// The order table's `total` column is there and an integer: amounts are held against it.
    package let hasTotal: Bool
    /// The order table's `currency` column is there and a string.
    package let hasCurrency: Bool
    let credentials: StripeCredentials
    let emails: SendGridCredentials
    let connections: [String: ConnectionDeclaration]
    let appName: String

    package init(app: App, credentials: StripeCredentials) {
        self.appName = app.name
        self.emails = SendGridCredentials(credentials.source)
        self.connections = Dictionary(app.connections.map { ($0.name, $0) }) { first, _ in first }
        self.currency = app.currency
        self.declaration = app.payments
        let orders = app.payments.flatMap { app.table(named: $0.orderTable) }
        self.hasTotal = orders?.column(named: "total")?.type == .int
        self.hasCurrency = orders?.column(named: "currency")?.type == .string
        self.credentials = credentials
    }

    /// Some connection sends e-mails.
    var hasEmails: Bool { connections.values.contains { $0.service == PaymentsCatalogue.sendGrid.name } }

    /// The row of an order, or nil.
    func order(_ id: Int64, in transaction: any StoreTransaction) throws(StoreError) -> ValueMap? {
        guard let declaration else { return nil }
        let query = RecordQuery(
            table: declaration.orderTable,
            where: [ResolvedCondition("id", equals: .int(id))],
            limit: 1
        )
        return try transaction.find(query).first
    }

    /// What the order costs, as far as its table says.
    func total(of order: ValueMap) -> Int64? { hasTotal ? order["total"]?.intValue : nil }

    /// The order's own currency, lower case, as far as its table says.
    func currency(of order: ValueMap) -> String? {
        hasCurrency ? order["currency"]?.stringValue?.lowercased() : nil
    }

    /// The default for a connection: its own `currency`, else the app's.
    func currency(of connection: ConnectionDeclaration) -> String {
        connection.settings["currency"]?.stringValue?.lowercased() ?? currency.lowercased()
    }
}
