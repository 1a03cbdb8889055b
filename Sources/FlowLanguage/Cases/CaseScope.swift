import Expressions

/// The variables that the expressions of a case may name, in the order of their slots.
package enum CaseSlot: Int, Sendable, Hashable, CaseIterable {
    /// What earlier steps gave, by id.
    case steps
    /// All rows, by table.
    case tables
    /// All runs, oldest first.
    case runs
    /// All requests to the outside.
    case requests
    case emails
    /// The text of all log lines that flows wrote.
    case log
    case now
    /// Of the step at hand: what its caller got.
    case status, output, error, path

    package var name: String {
        switch self {
        case .steps: "steps"
        case .tables: "tables"
        case .runs: "runs"
        case .requests: "requests"
        case .emails: "emails"
        case .log: "log"
        case .now: "now"
        case .status: "status"
        case .output: "output"
        case .error: "error"
        case .path: "path"
        }
    }

    /// What the checker knows of it.
    func type(in app: App) -> ExpressionType {
        switch self {
        case .steps, .output, .error: .dynamic
        case .tables: .record(app.tables.asRecord)
        case .runs: .list(.record(Self.run))
        case .requests: .list(.record(Self.request))
        case .emails: .list(.record(Self.email))
        case .log, .path: .list(.string)
        case .now: .timestamp
        case .status: .int
        }
    }

    static func declarations(for app: App) -> Declarations {
        Declarations(variables: allCases.map { .init($0.name, $0.type(in: app)) })
    }

    private static let run = RecordType(
        name: "Run",
        fields: [
            "id": RecordType.Field(.int), "flow": RecordType.Field(.string), "status": RecordType.Field(.string),
            "origin": RecordType.Field(.string), "path": RecordType.Field(.list(.string)),
            "input": RecordType.Field(.dynamic), "output": RecordType.Field(.dynamic),
            "error": RecordType.Field(.dynamic),
        ]
    )

    private static let request = RecordType(
        name: "Request",
        fields: [
            "connection": RecordType.Field(.string), "method": RecordType.Field(.string),
            "path": RecordType.Field(.string), "body": RecordType.Field(.dynamic),
            "key": RecordType.Field(.string), "status": RecordType.Field(.int),
        ]
    )

    private static let email = RecordType(
        name: "Email",
        fields: [
            "connection": RecordType.Field(.string), "to": RecordType.Field(.string),
            "subject": RecordType.Field(.string), "text": RecordType.Field(.string),
        ]
    )
}

extension [Table] {
    /// What `tables` is in an invariant: the rows of each table, by its name.
    var asRecord: RecordType {
        let fields = map { ($0.name, RecordType.Field(.list(.record($0.recordType)))) }
        return RecordType(name: "tables", fields: Dictionary(fields, uniquingKeysWith: { first, _ in first }))
    }
}
