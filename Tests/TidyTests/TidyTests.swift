import Foundation
import Testing

/// Style that a machine can see: each message says what to do instead.
@Suite struct TidyTests {
    /// Goal: no file grows out of a reader's sight.
    ///
    /// Method: count lines.
    @Test("a file has at most 600 lines")
    func filesAreShort() {
        for file in SourceTree.sources + SourceTree.tests where !file.path.hasSuffix(".generated.swift") {
            #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines: split it by what it does")
        }
    }

    /// Goal: no function needs scrolling.
    ///
    /// Method: the formatter guarantees that the closing brace stands under the
    /// first letter of the line that opened the body.
    @Test("a function has at most 70 lines")
    func functionsAreShort() {
        for file in SourceTree.sources {
            for function in functions(of: file) where function.length > 70 {
                Issue.record("\(file.path):\(function.line): \(function.length) lines: let it call what it consists of")
            }
        }
    }

    @Test("C libraries are imported in their own rooms alone")
    func cLibrariesStayHome() {
        let homes = [
            "CYAML": "Sources/FlowLanguage/YAML/", "CCurl": "Sources/HTTPTransport/",
            "CSandbox": "Sources/CodeWorker/", "CJavaScriptCore": "Sources/CodeWorker/",
            "GRDB": "Sources/FlowStores/", "CSQLite": "Sources/FlowStores/", "Hummingbird": "",
        ]
        for file in SourceTree.sources {
            for line in file.lines where line.contains("import ") {
                for (module, home) in homes where code(of: line).hasSuffix("import \(module)") && !home.isEmpty {
                    #expect(file.path.hasPrefix(home), "\(file.path) imports \(module): only \(home) may")
                }
            }
        }
    }

    @Test("a room imports only the rooms that the house lets it see")
    func importsFollowTheHouse() {
        let forbidden: [String: [String]] = [
            "Expressions": ["FlowLanguage", "FlowEngine", "Foundation.URLSession"],
            "FlowLanguage": ["FlowEngine", "FlowStores", "Payments"],
            "FlowEngine": ["FlowStores", "Payments", "Connections", "FlowServer", "HTTPTransport", "CustomCode"],
            "StripeSimulator": ["Expressions", "FlowLanguage", "FlowEngine", "Connections", "Payments", "FlowServer"],
            "Payments": ["FlowServer", "FlowStores", "StripeSimulator"],
            "FlowServer": ["StripeSimulator"],
            "CodeFrames": ["Expressions", "FlowEngine", "Foundation"],
            "CustomCode": ["Payments", "FlowStores", "FlowServer", "StripeSimulator", "CJavaScriptCore"],
            "CodeWorker": ["Expressions", "FlowLanguage", "FlowEngine", "Connections", "CustomCode", "Foundation"],
            "FlowTesting": ["FlowServer"],
        ]
        for file in SourceTree.sources {
            for module in forbidden[file.room] ?? [] {
                #expect(
                    !file.lines.contains { code(of: $0).hasSuffix("import \(module)") },
                    "\(file.path) imports \(module): data would flow backwards"
                )
            }
        }
    }

    /// Time, chance and output have one door each, so that a replay can stand in it.
    @Test(
        "time, chance and output have one door each",
        arguments: [
            ("Date()", ["Sources/FlowEngine/Scheduling/", "Sources/StripeSimulator/"]),
            ("UUID()", []),
            (".random(", ["Sources/FlowEngine/Scheduling/"]),
            ("Task.sleep", ["Sources/FlowEngine/Scheduling/", "Sources/StripeSimulator/"]),
            ("Task.detached", []),
            // One module starts workers; the demo starts servers.
            ("posix_spawn(", ["Sources/CustomCode/", "Sources/runnel/Demo/"]),
            ("WorkerInvocation.", ["Sources/CustomCode/", "Sources/CodeWorker/"]),
            // A route says who may reach it, or it is not compiled; the access matrix tries what stands in the table.
            ("router.on(", ["Sources/FlowServer/API/RouteTable.swift", "Sources/StripeSimulator/"]),
            ("router.get(", ["Sources/StripeSimulator/"]),
            ("router.post(", ["Sources/StripeSimulator/"]),
            ("print(", ["Sources/runnel/"]),
            ("fatalError(", []),
            ("try! ", []),
            ("as! ", []),
        ] as [(String, [String])]
    )
    func doors(_ call: String, allowed: [String]) {
        for file in SourceTree.sources where !allowed.contains(where: { file.path.hasPrefix($0) }) {
            for (index, line) in file.lines.enumerated() {
                let text = code(of: line)
                guard let found = text.range(of: call) else { continue }
                let before = text[..<found.lowerBound].last
                if let before, before.isLetter || before.isNumber || before == "_" { continue }
                Issue.record("\(file.path):\(index + 1): \(call): take it as a parameter")
            }
        }
    }

    @Test("an unchecked promise says what makes it true")
    func uncheckedIsExplained() {
        for file in SourceTree.sources {
            for (index, line) in file.lines.enumerated() {
                let text = code(of: line)
                guard text.contains("@unchecked") || text.contains("nonisolated(unsafe)") else { continue }
                let above = file.lines[max(0, index - 6)..<index]
                #expect(
                    above.contains { $0.contains("//") },
                    "\(file.path):\(index + 1): say above it what makes this safe"
                )
            }
        }
    }

    @Test("no reminder without an owner")
    func noReminders() {
        let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
        for file in SourceTree.sources + SourceTree.tests {
            for (index, line) in file.lines.enumerated() {
                let written = line.split { !$0.isLetter }
                for word in words where written.contains(Substring(word)) {
                    Issue.record("\(file.path):\(index + 1): do it, or write an issue")
                }
            }
        }
    }

    @Test("each room has a short README")
    func roomsHaveReadmes() throws {
        for room in Set(SourceTree.sources.map(\.room)) where !room.isEmpty && room != "System" {
            let url = SourceTree.root.appending(path: "Sources/\(room)/README.md")
            let text = try? String(contentsOf: url, encoding: .utf8)
            #expect(text != nil, "Sources/\(room) has no README.md")
        }
    }

    @Test("no drawer for everything")
    func noDrawers() {
        let words = ["Utils", "Utilities", "Helper", "Manager", "Misc", "Common", "Extras", "Legacy"]
        for file in SourceTree.sources + SourceTree.tests {
            for word in words where file.path.contains(word) {
                Issue.record("\(file.path): say in the name what it is")
            }
        }
    }

    private func functions(of file: SourceTree.File) -> [(line: Int, length: Int)] {
        var found: [(line: Int, length: Int)] = []
        for (index, line) in file.lines.enumerated() {
            let text = line.drop { $0 == " " }
            let isFunction = text.contains("func ") || text.contains("init(") || text.contains("init?(")
            guard isFunction, !text.hasPrefix("//"), !text.hasPrefix("case ") else { continue }
            let indentation = String(line.prefix { $0 == " " })
            guard let opening = bodyStart(in: file.lines, from: index, indentation: indentation) else { continue }
            let closing = indentation + "}"
            guard let end = file.lines[opening...].firstIndex(where: { $0.hasPrefix(closing) }) else { continue }
            found.append((index + 1, end - index + 1))
        }
        return found
    }

    /// The line whose end opens the body of the declaration that starts at `index`, if it has a body of several lines.
    private func bodyStart(in lines: [String], from index: Int, indentation: String) -> Int? {
        for candidate in index..<min(index + 20, lines.count) {
            if lines[candidate].hasSuffix("{") { return candidate + 1 }
            let isStart = candidate == index
            let endsHere = !isStart && lines[candidate].hasPrefix(indentation + ")") && !lines[candidate].hasSuffix("{")
            if endsHere || (isStart && lines[candidate].hasSuffix("}")) || lines[candidate].isEmpty { return nil }
        }
        return nil
    }
}
