import Expressions
import FlowLanguage

/// Fits a template to an app's order table: its name, and no value that it cannot hold.
struct TemplateFitter {
    let orders: Table?
    let tableName: String

    /// The blocks of the templates that write into the order table.
    private static let writers = ["- id: markPaid", "- id: markRefunded", "- id: takeBack", "- id: newOrder"]

    func fit(_ text: String) -> String {
        var lines: [String] = []
        var block: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            // A block that writes into the order table is kept or replaced as a whole, once its `set:` is known.
            if Self.writers.contains(where: line.hasSuffix) {
                block = [line]
                continue
            }
            guard !block.isEmpty else {
                lines.append(line)
                continue
            }
            block.append(line)
            guard let start = line.firstRange(of: "set: { ") else { continue }
            let entries = entries(of: block[0], String(line[start.upperBound...]))
            if let entries {
                lines += block.dropLast() + [line[..<start.lowerBound] + "set: { \(entries) }"]
            } else {
                let indent = String(block[0].prefix { $0 == " " })
                lines.append(indent + "- block: log")
                lines.append(indent + "  message: 'order ${ blocks.handler.orderId }: write it into your table here'")
            }
            block = []
        }
        return lines.joined(separator: "\n").replacing("table: orders\n", with: "table: \(tableName)\n")
    }

    private func entries(of block: String, _ set: String) -> String? {
        if block.hasSuffix("newOrder") { return newOrder() }
        // It looks for what another block wrote: a table that cannot hold that has nothing to take back.
        if block.hasSuffix("takeBack"), !takes(status: "REFUNDED") { return nil }
        return status(of: set)
    }

    /// `status: X` when the table's `status` takes X.
    private func status(of set: String) -> String? {
        let entry = String(set.prefix { $0 != "}" }).split(separator: " ").joined(separator: " ")
        guard let value = entry.split(separator: " ").last, takes(status: String(value)) else { return nil }
        return entry
    }

    private func takes(status: String) -> Bool {
        guard let column = orders?.column(named: "status"), column.type == .string else { return false }
        return column.allowed.isEmpty || column.allowed.contains(status)
    }

    /// What a further period's order is made of: its amount and status, and the first order's other required columns.
    private func newOrder() -> String? {
        guard let orders, orders.column(named: "total")?.type == .int else { return nil }
        var entries: [String] = []
        for column in orders.columns {
            switch column.name {
            case "total": entries.append("total: '${ blocks.handler.amount }'")
            case "currency" where column.type == .string: entries.append("currency: '${ blocks.handler.currency }'")
            case "status" where takes(status: "PAID"): entries.append("status: PAID")
            default:
                guard !column.isOptional, column.defaultValue == nil else { continue }
                if column.isUnique { return nil }
                entries.append("\(column.name): '${ blocks.initial.\(column.name) }'")
            }
        }
        return entries.joined(separator: ", ")
    }
}
