/// A place in a source file.
///
/// Lines and columns count from 1. A column counts Unicode scalars, so that a caret under it stands right in an
/// editor; `offset` counts UTF-8 bytes from the start of the file.
package struct SourcePosition: Sendable, Hashable, Comparable {
    package var line: Int
    package var column: Int
    package var offset: Int

    package init(line: Int, column: Int, offset: Int) {
        self.line = line
        self.column = column
        self.offset = offset
    }

    package static let start = SourcePosition(line: 1, column: 1, offset: 0)

    package static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
}

/// A stretch of one source file, from its first character to just behind its last.
package struct SourceRange: Sendable, Hashable {
    /// The file's path as findings print it, relative to where the command was called.
    package var file: String
    package var start: SourcePosition
    package var end: SourcePosition

    package init(file: String, start: SourcePosition, end: SourcePosition) {
        self.file = file
        self.start = start
        self.end = end
    }
}

extension SourceRange {
    /// The path of an app's file from the app's folder on: what a run records must not tell where the app lay.
    package static func pathInApp(_ file: String) -> String {
        let names = file.split(separator: "/")
        // Flows and app.yaml stand in YAML files, everything below `code` in others.
        let roots: [Substring] = file.hasSuffix(".yaml") ? ["flows", "app.yaml"] : ["code"]
        guard let start = names.lastIndex(where: roots.contains) else { return file }
        return names[start...].joined(separator: "/")
    }
}
