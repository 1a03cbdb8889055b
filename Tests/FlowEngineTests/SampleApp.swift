import Expressions
import FlowLanguage
import Testing

/// Compiles the flows of a test within one small app.
enum SampleApp {
    static let declaration = """
        app: sample
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID], default: NEW }
              note:   { type: string, optional: true }
          lines:
            columns:
              text: { type: string }
        events:
          shipped: { access: [customer] }
          recalled: {}
        connections:
          bank:
            service: bank
            access: { charge: [customer], balance: [customer], letter: [customer], pair: [customer] }

        """

    /// The app with these flow texts; a finding of severity error fails the test.
    static func compile(_ flows: String...) throws -> App {
        var files = [SourceFile(path: "app.yaml", bytes: Array(declaration.utf8))]
        for (number, flow) in flows.enumerated() {
            files.append(SourceFile(path: "flows/flow\(number).yaml", bytes: Array(flow.utf8)))
        }
        return try compile(files: files)
    }

    static func compile(files: [SourceFile]) throws -> App {
        let compilation = AppCompiler(catalogue: Catalogue(services: [SampleFeature.service])).compile(files)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        try #require(errors.isEmpty, "\(errors.map { "\($0.range.start.line): \($0.code) \($0.message)" })")
        return try #require(compilation.app)
    }

    static func graph(_ flow: String, _ name: String = "f") throws -> FlowGraph {
        try #require(try compile(flow).flows[name])
    }
}
