import Foundation

/// The project's own Swift files, read once.
struct SourceTree {
    struct File: Sendable {
        /// From the project's root: `Sources/FlowEngine/Limits.swift`.
        let path: String
        let lines: [String]

        /// `FlowEngine` for `Sources/FlowEngine/…`, `System/CCurl` for what stands below `System`.
        var room: String {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : ""
        }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let sources = SourceTree.files(below: "Sources")
    static let tests = SourceTree.files(below: "Tests")

    private static func files(below folder: String) -> [File] {
        let base = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return walk.compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") }
            .sorted()
            .compactMap { path in
                guard let text = try? String(contentsOf: base.appending(path: path), encoding: .utf8) else {
                    return nil
                }
                return File(path: "\(folder)/\(path)", lines: text.components(separatedBy: "\n"))
            }
    }
}

/// A line with its strings, and everything behind `//`, left out: what is looked for is code.
func code(of line: String) -> String {
    var result = ""
    var inString = false
    var previous: Character = " "
    for character in line {
        if character == "\"" && previous != "\\" {
            inString.toggle()
        } else if !inString {
            if character == "/" && previous == "/" { return String(result.dropLast()) }
            result.append(character)
        }
        previous = character
    }
    return result
}
