/// A drawn graph in Mermaid's words, for pages that draw them.
package enum MermaidText {
    package static func render(_ graph: DrawnGraph) -> String {
        var lines = ["flowchart TD"]
        for (number, box) in graph.boxes.enumerated() {
            let text = escaped(box.title) + (box.subtitle.isEmpty ? "" : "<br>" + escaped(box.subtitle))
            let shape =
                switch box.shape {
                case .start, .end: "([\"\(text)\"])"
                case .block: "[\"\(text)\"]"
                case .choice: "{\"\(text)\"}"
                }
            lines.append("  n\(number)\(shape)\(name(of: box.mark).map { ":::\($0)" } ?? "")")
        }
        for arrow in graph.arrows {
            let line = arrow.isFailure ? "-.->" : "-->"
            let label = arrow.label.isEmpty ? "" : "|\"\(escaped(arrow.label.cut(to: 48)))\"|"
            lines.append("  n\(arrow.from) \(line)\(label) n\(arrow.to)")
        }
        let missed = graph.arrows.indices.filter { graph.arrows[$0].mark == .missed }
        if !missed.isEmpty {
            let numbers = missed.map(String.init).joined(separator: ",")
            lines.append("  linkStyle \(numbers) stroke:#c62828,stroke-dasharray:4")
        }
        if graph.boxes.contains(where: { $0.mark != .plain }) {
            lines.append("  classDef covered fill:#e3f4e5,stroke:#2e7d32")
            lines.append("  classDef missed fill:#fdecea,stroke:#c62828")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func name(of mark: DrawnGraph.Mark) -> String? {
        switch mark {
        case .plain: nil
        case .covered: "covered"
        case .missed: "missed"
        }
    }

    /// Mermaid takes what would end a text as entities.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "#amp;").replacing("\"", with: "#quot;").replacing("<", with: "#lt;")
            .replacing(">", with: "#gt;")
    }
}

extension String {
    /// At most so many characters, the last of them an ellipsis where it was longer.
    func cut(to length: Int) -> String { count <= length ? self : prefix(length - 1) + "…" }
}
