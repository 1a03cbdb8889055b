import Capsules
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import Logging
import TestSupport
import Testing

/// An app whose flows pass every kind of block, run on a real engine and a real file, and exported.
enum CapsuleWorld {
    static let app = """
        app: yard
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID, LATE], default: NEW }
              note:   { type: string, optional: true }
        connections:
          stock: { service: http, url: 'https://stock.example.com', access: { request: [customer] } }

        """

    static let records = """
        flow: records
        kind: page
        access: [customer]
        input:
          name: { type: string }
          total: { type: int }
        output:
          status: ${ blocks.after.status }
          sum: ${ blocks.after.total + 1 }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: '${ input.name }', total: '${ input.total }' }
          - block: set-variables
            set: { doubled: '${ blocks.order.total * 2 }' }
          - id: raised
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }', status: NEW }
            set: { total: '${ record.total + 5 }', note: raised }
            expect: 1
          - id: again
            block: upsert-record
            table: orders
            on: name
            set: { name: '${ input.name }', total: '${ vars.doubled }', note: 'twice' }
          - id: size
            block: conditional-branch
            branches:
              - when: vars.doubled > 1000
                do:
                  - block: log
                    message: 'large ${ vars.doubled }'
              - else:
                do:
                  - block: log
                    message: 'small ${ vars.doubled }'
          - id: all
            block: find-records
            table: orders
            where: { total: { gte: 1 } }
            limit: 10
          - id: each
            block: for-each
            each: blocks.all.items
            as: item
            do:
              - id: marked
                block: update-record
                table: orders
                where: { id: '${ item.id }' }
                set: { status: PAID }
          - id: after
            block: find-record
            table: orders
            where: { id: '${ blocks.order.id }' }
        """

    static let guarded = """
        flow: guarded
        kind: page
        access: [customer]
        input:
          name: { type: string }
        output: { code: '${ blocks.?child.greeting.orValue("none") }' }
        blocks:
          - id: both
            block: transaction
            do:
              - id: one
                block: insert-record
                table: orders
                set: { name: '${ input.name }', total: 10 }
              - id: two
                block: insert-record
                table: orders
                set: { name: '${ input.name }', total: 20 }
            fail:
              - block: log
                message: 'undone: ${ error.code }'
          - id: trying
            block: try
            do:
              - block: fail
                error: { status: 409, code: closed, message: 'closed for ${ input.name }' }
            catch:
              - when: error.code == 'closed'
                do:
                  - block: log
                    message: 'caught ${ error.message }'
          - id: gone
            block: delete-record
            table: orders
            where: { name: { startsWith: 'old-' } }
          - id: child
            block: run-flow
            flow: helper
            input: { name: '${ input.name }' }
        """

    static let helper = """
        flow: helper
        kind: page
        access: [customer]
        input:
          name: { type: string }
        output: { greeting: 'hello ${ input.name }' }
        blocks:
          - block: log
            message: 'helping ${ input.name }'
        """

    static let outside = """
        flow: outside
        kind: page
        access: [customer]
        input:
          sku: { type: string }
          token: { type: string, default: none }
        output:
          left: ${ blocks.stock.body.left }
        blocks:
          - id: stock
            block: http-request
            connection: stock
            method: POST
            path: /stock
            effect: safe
            body: { sku: '${ input.sku }', token: '${ input.token }' }
          - id: noted
            block: insert-record
            table: orders
            set: { name: '${ input.sku }', total: '${ blocks.stock.body.left + 1 }' }
        """

    static let flows = [
        "records": records, "guarded": guarded, "helper": helper, "outside": outside, "beside": beside, "race": race,
    ]

    static func files(changing flow: String? = nil, to text: String = "") -> [SourceFile] {
        var files = [SourceFile(path: "app.yaml", bytes: Array(app.utf8))]
        for (name, own) in flows.sorted(by: { $0.key < $1.key }) {
            files.append(SourceFile(path: "flows/\(name).yaml", bytes: Array((name == flow ? text : own).utf8)))
        }
        return files
    }

    static func compile(_ files: [SourceFile] = files()) throws -> App {
        let compilation = AppCompiler(catalogue: ReplayEnvironment.runnel.catalogue).compile(files)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        try #require(errors.isEmpty, "\(errors.map { "\($0.range.file):\($0.range.start.line) \($0.message)" })")
        return try #require(compilation.app)
    }

    struct Call {
        var flow: String
        var input: Value
    }

    /// Runs calls one after the other and exports their runs.
    static func capsules(
        _ calls: [Call],
        secrets: [String: Secret] = [:],
        answer: @escaping @Sendable (OutsideRequest) -> OutsideAnswer = { _ in
            OutsideAnswer(status: 200, headers: ["content-type": "application/json"], body: Array("{\"left\":4}".utf8))
        }
    ) async throws -> [Capsule] {
        let folder = FileManager.default.temporaryDirectory.path + "/runnel-capsules-" + UUID().uuidString
        // A folder that cannot be removed is the machine's affair, not the test's.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let app = try compile()
        let clock = ManualClock(tick: .microseconds(7))
        let store = try SQLiteStore(
            folder: folder,
            tables: app.tables,
            configuration: SQLiteStore.Configuration(clock: clock)
        )
        defer { store.close() }
        let engine = Engine(
            app: app,
            store: store,
            transport: ScriptedTransport { request, _ in .answered(answer(request)) },
            clock: clock,
            random: SeededRandomSource(),
            features: ReplayEnvironment.runnel.features(app, .test, UnsealedSecrets()),
            mode: .test,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        for call in calls {
            _ = try await engine.callPage(
                call.flow,
                input: call.input,
                caller: Caller(id: "ann", roles: ["customer"]),
                idempotencyKey: nil,
                timeLimit: .seconds(86_400)
            )
        }
        // A run may go on behind its answer; the next write is behind its last.
        try await engine.write { (_) throws(StoreError) in }
        try await engine.write { (_) throws(StoreError) in }
        let export = CapsuleExport(sources: files(), secrets: secrets, program: "test")
        let runs = try await store.read { (reader) throws(StoreError) in
            try reader.runs(matching: RunFilter(limit: 100))
        }
        var capsules: [Capsule] = []
        for run in runs.reversed() where run.start.parent == nil {
            let capsule = try await export.capsule(of: run.id, in: store, at: clock.now())
            capsules.append(try #require(capsule))
        }
        running.cancel()
        try await running.value
        return capsules
    }

    /// Runs with branches.
    static let branchCalls: [Call] = [
        Call(flow: "beside", input: ["name": "b1", "skus": ["x", "y", "z"]]),
        Call(flow: "race", input: ["name": "r1"]),
    ]

    static let calls: [Call] = (1...5).flatMap { number -> [Call] in
        [
            Call(flow: "records", input: ["name": .string("n\(number)"), "total": .int(Int64(number) * 200)]),
            Call(flow: "guarded", input: ["name": .string("g\(number)")]),
            Call(flow: "outside", input: ["sku": .string("s\(number)")]),
            Call(flow: "helper", input: ["name": .string("h\(number)")]),
        ]
    }
}

/// Numbers from a seed, so that a failure can be had again.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
