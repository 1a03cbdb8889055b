package import Expressions
package import FlowLanguage

/// How much of an app's flows its tests exercise, and what not.
package struct CoverageReport: Sendable {
    package struct Flow: Sendable {
        package var graph: FlowGraph
        package var all: [CoverageItem]
        package var missed: [CoverageItem]
        /// Types of events that started it, with their numbers.
        package var events: [String: Int]

        package var covered: Int { all.count - missed.count }
    }

    /// By name.
    package let flows: [Flow]

    package init(app: App, passages: Passages) {
        flows = app.flows.values.sorted { $0.name < $1.name }.map { graph in
            let all = CoverageItem.all(of: graph)
            let seen = passages.items[graph.name] ?? []
            return Flow(
                graph: graph,
                all: all,
                missed: all.filter { !seen.contains($0) },
                events: passages.events[graph.name] ?? [:]
            )
        }
    }

    /// In hundredths, rounded down: 100 % is said of nothing less.
    package var percent: Int {
        Self.percent(flows.map(\.covered).reduce(0, +), of: flows.map(\.all.count).reduce(0, +))
    }

    static func percent(_ part: Int, of whole: Int) -> Int { whole == 0 ? 100 : part * 100 / whole }

    /// A line for each flow, and below it what is missed, with its place.
    package var text: String {
        let width = flows.map(\.graph.name.count).max() ?? 0
        var lines: [String] = []
        for flow in flows {
            let percent = Self.percent(flow.covered, of: flow.all.count)
            let name = flow.graph.name.padded(to: width)
            var line = "\(name)  \(String(percent).padded(toLeft: 3)) %  \(flow.covered) of \(flow.all.count)"
            if !flow.events.isEmpty {
                let events = flow.events.sorted { $0.key < $1.key }
                line += "  (" + events.map { "\($0.key) ×\($0.value)" }.joined(separator: ", ") + ")"
            }
            lines.append(line)
            lines += flow.missed.map {
                "  \(flow.place(of: $0)): \($0.path.isEmpty ? "" : $0.path + " ")\($0.omission)"
            }
        }
        lines.append("\("all".padded(to: width))  \(String(percent).padded(toLeft: 3)) %")
        return lines.joined(separator: "\n") + "\n"
    }

    package var value: Value {
        [
            "percent": .int(Int64(percent)),
            "flows": .list(
                flows.map { flow in
                    [
                        "flow": .string(flow.graph.name), "file": .string(flow.graph.range.file),
                        "items": .int(Int64(flow.all.count)), "covered": .int(Int64(flow.covered)),
                        "percent": .int(Int64(Self.percent(flow.covered, of: flow.all.count))),
                        "events": .map(
                            flow.events.sorted { $0.key < $1.key }.reduce(into: ValueMap()) {
                                $0[$1.key] = .int(Int64($1.value))
                            }
                        ),
                        "missed": .list(flow.missed.map { flow.value(of: $0) }),
                    ]
                }
            ),
        ]
    }
}

extension CoverageReport.Flow {
    /// What is missed, a line each with its place.
    package var text: String {
        let percent = CoverageReport.percent(covered, of: all.count)
        let lines = missed.map { "  \(place(of: $0)): \($0.path.isEmpty ? "" : $0.path + " ")\($0.omission)" }
        return (["\(percent) % exercised"] + lines).joined(separator: "\n") + "\n"
    }

    fileprivate func range(of item: CoverageItem) -> SourceRange {
        graph.nodes.first { $0.path.rawValue == item.path }?.range ?? graph.range
    }

    fileprivate func place(of item: CoverageItem) -> String {
        let range = range(of: item)
        return "\(range.file):\(range.start.line)"
    }

    fileprivate func value(of item: CoverageItem) -> Value {
        [
            "path": .string(item.path), "kind": .string(item.kind), "what": .string(item.omission),
            "file": .string(graph.range.file), "line": .int(Int64(range(of: item).start.line)),
        ]
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }
    func padded(toLeft width: Int) -> String { String(repeating: " ", count: Swift.max(0, width - count)) + self }
}
