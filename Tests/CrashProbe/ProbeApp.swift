import FlowLanguage
import Payments

/// The app of the crash matrix: a flow for each kind of block.
enum ProbeApp {
    static func compiled() throws -> App {
        var files = [("app.yaml", declaration), ("flows/child.yaml", child)]
        for kind in BlockKind.all { files.append(("flows/\(kind.name).yaml", kind.flow)) }
        let sources = files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty, let app = compilation.app else {
            let text = errors.map { "\($0.range.file):\($0.range.start.line): \($0.code) \($0.message)" }
            throw ProbeFailure(text.joined(separator: "\n"))
        }
        return app
    }

    private static let declaration = """
        app: probe
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID, REFUNDED], default: NEW }
          lines:
            columns:
              text: { type: string }
          counters:
            columns:
              name:  { type: string, unique: true }
              value: { type: int, default: 0 }
        events:
          told: {}
        connections:
          stripe: { service: stripe, access: { create-payment-intent: [customer] } }
        payments: { connection: stripe, orderTable: orders }

        """

    private static let child = """
        flow: child
        kind: page
        access: [customer]
        input: { text: { type: string } }
        output: { id: '${ blocks.line.id }' }
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: '${ input.text }' }

        """
}

/// Why the probe could not do what it was asked.
struct ProbeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
