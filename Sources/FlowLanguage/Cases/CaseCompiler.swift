/// What the files of `tests/` hold, and everything that was found in them.
package struct CaseCompilation: Sendable {
    /// In the order of the files and of the places in them; those with mistakes are left out.
    package var cases: [TestCase]
    package var diagnostics: [Diagnostic]

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Compiles the test cases of a checked app.
///
/// Pure: the same files and the same app give the same cases and the same findings.
package struct CaseCompiler: Sendable {
    private let app: App

    package init(app: App) { self.app = app }

    /// Compiles files of `tests/`; each holds one case, or several under `cases:`.
    package func compile(_ files: [SourceFile]) -> CaseCompilation {
        let findings = FindingCollector()
        var cases: [TestCase] = []
        for file in files {
            let context = FileContext(text: SourceText(file), findings: findings)
            guard let root = YAMLTreeBuilder.build(context.text, findings: findings) else { continue }
            cases += CaseReader(context, app: app).read(root)
        }
        refuseNamesakes(cases, findings)
        return CaseCompilation(cases: cases, diagnostics: findings.sorted(files: files.map(\.path)))
    }

    private func refuseNamesakes(_ cases: [TestCase], _ findings: FindingCollector) {
        var first: [String: TestCase] = [:]
        for test in cases {
            if let other = first[test.name] {
                findings.add(
                    .error,
                    FindingCode.caseTwice.rawValue,
                    "there is another case of this name",
                    test.range,
                    ["the other one is in \(other.range.file), line \(other.range.start.line)"]
                )
            } else {
                first[test.name] = test
            }
        }
    }
}
