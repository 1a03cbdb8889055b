package import Expressions
package import FlowEngine
package import FlowLanguage

/// One run as a file: with it the run can be replayed on any machine, with nothing else at hand.
package struct Capsule: Sendable, Hashable {
    /// The format's version; raised when an old reader could misread a new file.
    package static let formatVersion: Int64 = 1

    package var header: Header
    /// The files of the app that the run ran on: `app.yaml` first, paths relative to it.
    package var files: [SourceFile]
    /// The event that started the run, as it came, byte for byte; nil for a run that no event started.
    package var delivery: Delivery?
    /// The member of the run's trigger that is the delivery's JSON, if one is; then a replay compares them.
    package var deliveryMember: String?
    package var history: RecordedHistory
    /// Rows as the run left them, in the order of the changes.
    package var changes: [RowChange]
    /// SHA-256 of what the run met that others had written; nil: not known.
    ///
    /// A replay that meets something else differs.
    package var metHash: String?

    package struct Header: Sendable, Hashable {
        /// The program that exported it.
        package var program: String
        package var exportedAt: Timestamp
        package var app: String
        /// SHA-256 of the files.
        package var filesHash: String
        /// SHA-256 of the declarations of the app's tables.
        package var schemaHash: String
        /// Keys that pages show, by name: no secrets, and a part of what commands give.
        package var publishableKeys: [String: String]
        /// The names of the secrets that were set.
        package var secretNames: [String]
        /// Why the run cannot be replayed; nil when it can.
        package var limitation: String?

        package init(
            program: String,
            exportedAt: Timestamp,
            app: String,
            filesHash: String,
            schemaHash: String,
            publishableKeys: [String: String] = [:],
            secretNames: [String] = [],
            limitation: String? = nil
        ) {
            self.program = program
            self.exportedAt = exportedAt
            self.app = app
            self.filesHash = filesHash
            self.schemaHash = schemaHash
            self.publishableKeys = publishableKeys
            self.secretNames = secretNames
            self.limitation = limitation
        }
    }

    package init(
        header: Header,
        files: [SourceFile],
        delivery: Delivery? = nil,
        deliveryMember: String? = nil,
        history: RecordedHistory,
        changes: [RowChange] = [],
        metHash: String? = nil
    ) {
        self.header = header
        self.files = files
        self.delivery = delivery
        self.deliveryMember = deliveryMember
        self.history = history
        self.changes = changes
        self.metHash = metHash
    }

    /// The run that was exported; its sub-runs are behind it.
    package var run: RecordedRun { history.runs[0] }
}

/// Why a file is no capsule that can be used.
package struct CapsuleError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// The file is none, or larger than a capsule may be.
        case notACapsule = "not-a-capsule"
        /// A newer program wrote it.
        case newerFormat = "newer-format"
        /// Bytes are not those that were written.
        case damaged
        /// Its lines are whole, and do not say what a capsule says.
        case malformed
    }

    package let code: Code
    /// From 1; nil when no one line is to blame.
    package let line: Int?
    package let message: String

    package init(_ code: Code, line: Int? = nil, _ message: String) {
        self.code = code
        self.line = line
        self.message = message
    }

    package var description: String { (line.map { "line \($0): " } ?? "") + message }
}
