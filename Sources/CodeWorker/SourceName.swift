import CodeFrames

/// What the engine calls the pieces of the builder's code, and the way back from its traces.
///
/// Numbers instead of file names: those could hold what a trace is taken apart by.
enum SourceName {
    static func of(_ index: Int) -> String { "code:\(index)" }

    /// The places in a trace that lie in the builder's code, the innermost first.
    ///
    /// Lines end in `code:0:12:5`: source, line, column. Where code was stopped, `isOfFunctions`, the place of a function
    /// may be its beginning: for the body that is its first line.
    static func places(
        _ trace: [UInt8],
        in sources: [CodeSource],
        isOfFunctions: Bool = false
    ) -> [CodeProblemFrame.Place] {
        var places: [CodeProblemFrame.Place] = []
        for line in trace.split(separator: UInt8(ascii: "\n")).prefix(256) {
            let text = String(decoding: line, as: UTF8.self)
            guard let start = text.lastRange(of: "code:") else { continue }
            let parts = text[start...].split(separator: ":")
            guard parts.count >= 3 else { continue }
            let column = parts.count > 3 ? String(parts[3]) : "1"
            let source = parts[1]
            guard
                let place = place(
                    source: "code:\(source)",
                    line: String(parts[2]),
                    column: column,
                    in: sources,
                    isOfFunctions: isOfFunctions
                )
            else { continue }
            places.append(place)
            if places.count == 32 { break }
        }
        return places
    }

    static func place(
        source: String?,
        line: String?,
        column: String?,
        in sources: [CodeSource],
        isOfFunctions: Bool = false
    ) -> CodeProblemFrame.Place? {
        guard
            let source, source.hasPrefix("code:"), let index = Int(source.dropFirst(5)),
            sources.indices.contains(index),
            let number = line.flatMap({ Int($0.prefix { $0.isNumber }) })
        else { return nil }
        // The body stands behind a line of the worker's own, which calls it: no place of the builder's.
        let isBody = index == sources.count - 1
        if isBody, number <= 1 {
            return isOfFunctions ? CodeProblemFrame.Place(source: sources[index].name, line: 1, column: 1) : nil
        }
        let lines = sources[index].text.utf8.count { $0 == UInt8(ascii: "\n") } + 1
        // And before one that ends it.
        if isBody, number - 1 > lines, isOfFunctions { return nil }
        return CodeProblemFrame.Place(
            source: sources[index].name,
            line: min(max(1, isBody ? number - 1 : number), lines),
            column: max(1, column.flatMap { Int($0.prefix { $0.isNumber }) } ?? 1)
        )
    }
}

extension String {
    fileprivate func lastRange(of word: String) -> String.Index? {
        var found: String.Index?
        var rest = self[...]
        while let start = rest.firstIndex(of: "c") {
            if rest[start...].hasPrefix(word) { found = start }
            rest = rest[rest.index(after: start)...]
        }
        return found
    }
}
