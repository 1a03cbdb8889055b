import Expressions
import FlowLanguage

/// Findings as JSON, for editors and scripts.
enum FindingReport {
    static func value(of diagnostics: [Diagnostic]) -> Value {
        .list(
            diagnostics.map { finding in
                [
                    "severity": .string(finding.severity.rawValue),
                    "code": .string(finding.code),
                    "message": .string(finding.message),
                    "file": .string(finding.range.file),
                    "line": .int(Int64(finding.range.start.line)),
                    "column": .int(Int64(finding.range.start.column)),
                    "endLine": .int(Int64(finding.range.end.line)),
                    "endColumn": .int(Int64(finding.range.end.column)),
                    "notes": .list(finding.notes.map { .string($0) }),
                ]
            }
        )
    }
}
