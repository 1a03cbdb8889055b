import Expressions

/// The page flow behind a widget: an order of the fixed amount, and its payment.
///
/// It is a flow like any other, compiled and journalled, only that Runnel wrote it: a page can say nothing to it.
enum WidgetFlow {
    static let prefix = "widget-"

    /// The flow's text, as a file that no folder holds; for those to whom `create-payment-intent` is granted.
    static func source(_ widget: PaymentsDeclaration.Widget, _ model: AppModel) -> SourceFile? {
        guard let payments = model.payments, let orders = model.table(named: payments.orderTable),
            let connection = model.connections.first(where: { $0.name == payments.connection })
        else { return nil }
        let granted = connection.access["create-payment-intent"] ?? []
        // As every amount: the connection's before the app's. A word that is no currency is refused when it is paid in.
        let own = connection.settings["currency"]?.stringValue?.lowercased().filter(\.isLetter)
        let currency = widget.currency ?? own ?? model.currency
        var set: [String] = []
        for column in orders.columns {
            switch column.name {
            case "total" where column.type == .int: set.append("total: \(widget.amount)")
            case "currency" where column.type == .string: set.append("currency: \(currency)")
            case orders.access.owner where !granted.contains("public"):
                set.append("\(column.name): '${ run.caller.id }'")
            default:
                guard column.isNeeded, let filling = column.filling else { continue }
                set.append("\(column.name): \(filling)")
            }
        }
        let text = """
            flow: \(prefix)\(widget.name)
            kind: page
            title: Payment of the widget \(widget.name)
            access: [\((granted.isEmpty ? ["admin"] : granted).joined(separator: ", "))]
            output:
              clientSecret: ${ blocks.intent.client_secret }
              publishableKey: ${ blocks.intent.publishable_key }
            blocks:
              - id: order
                block: insert-record
                table: \(payments.orderTable)
                set: { \(set.joined(separator: ", ")) }
              - id: intent
                block: execute-connection-command
                connection: \(payments.connection)
                command: create-payment-intent
                data:
                  orderId: ${ blocks.order.id }
                  amount: \(widget.amount)
                  currency: \(currency)

            """
        return SourceFile(path: "flows/\(prefix)\(widget.name).yaml", bytes: Array(text.utf8))
    }
}

extension Column {
    fileprivate var isNeeded: Bool { !isOptional && defaultValue == nil }

    /// What says nothing, for an order that nobody described; nil where nothing does.
    fileprivate var filling: String? {
        guard !isUnique, references == nil, allowed.isEmpty else { return nil }
        return switch type {
        case .string: "''"
        case .int: String(Swift.max(min ?? 0, Swift.min(0, max ?? 0)))
        case .bool: "false"
        case .double: "0.0"
        case .decimal, .timestamp, .json, .bytes: nil
        }
    }
}

extension AppReader {
    /// Whether the order table takes an order that holds an amount and nothing else; if not, a finding.
    func checkWidget(_ name: Located<String>, orderTable: String) -> Bool {
        guard let orders = model.table(named: orderTable), !orders.isSystem else { return true }
        let known = ["total", "currency", orders.access.owner]
        let needed = orders.columns.first { $0.isNeeded && $0.filling == nil && !known.contains($0.name) }
        guard let needed else { return true }
        context.error(
            .widgetOrder,
            "the widget '\(name.value)' makes orders, and cannot know '\(needed.name)' of '\(orderTable)'",
            at: name.range,
            notes: ["make the column optional or give it a default, or use a flow in place of the widget"]
        )
        return false
    }
}
