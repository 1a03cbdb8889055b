/// Gathers the findings of one check, of all files, and hands them out in source order.
///
/// Used by one task from the first byte to the graph; a reference so that readers and checkers share it.
final class FindingCollector {
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasErrors = false
    private var seen: Set<Diagnostic> = []

    /// Whether further findings are dropped; then nothing needs to be worked out for them.
    var isFull: Bool { diagnostics.count >= Limits.findings }

    /// The note "did you mean …", or none.
    func likely(_ name: String, among candidates: some Sequence<String>) -> [String] {
        isFull ? [] : NearestName.note(name, among: candidates)
    }

    func error(_ code: FindingCode, _ message: String, in text: SourceText, at range: Range<Int>, notes: [String] = [])
    {
        hasErrors = true
        guard !isFull else { return }
        add(.error, code.rawValue, message, text.range(range), notes)
    }

    func warning(
        _ code: FindingCode,
        _ message: String,
        in text: SourceText,
        at range: Range<Int>,
        notes: [String] = []
    ) {
        guard !isFull else { return }
        add(.warning, code.rawValue, message, text.range(range), notes)
    }

    func add(
        _ severity: Diagnostic.Severity,
        _ code: String,
        _ message: String,
        _ range: SourceRange,
        _ notes: [String]
    ) {
        if severity == .error { hasErrors = true }
        guard !isFull else { return }
        let diagnostic = Diagnostic(severity, code: code, message: message, range: range, notes: notes)
        guard seen.insert(diagnostic).inserted else { return }  // An aliased node is read more than once.
        diagnostics.append(diagnostic)
    }

    /// What `work` finds, which is not added.
    func apart(_ work: () -> Void) -> [Diagnostic] {
        let known = (diagnostics, hasErrors, seen)
        (diagnostics, hasErrors, seen) = ([], false, [])
        defer { (diagnostics, hasErrors, seen) = known }
        work()
        return diagnostics
    }

    /// All findings: files in the order given, and within a file by place.
    func sorted(files: [String]) -> [Diagnostic] {
        let order = Dictionary(files.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        return diagnostics.enumerated().sorted { left, right in
            let leftFile = order[left.element.range.file] ?? files.count
            let rightFile = order[right.element.range.file] ?? files.count
            if leftFile != rightFile { return leftFile < rightFile }
            let leftStart = left.element.range.start
            let rightStart = right.element.range.start
            return leftStart == rightStart ? left.offset < right.offset : leftStart < rightStart
        }.map(\.element)
    }
}
