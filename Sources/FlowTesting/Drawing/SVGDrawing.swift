/// A drawn graph as an SVG of its own: no script, no font to load, nothing from outside.
package struct SVGDrawing {
    private let graph: DrawnGraph
    private let layout: LayeredLayout
    private let sizes: [(width: Double, height: Double)]

    /// The width of a character of the monospaced face, and the height of a line, in pixels.
    private static let character = 7.3
    private static let line = 16.0
    private static let labelLength = 30

    package init(_ graph: DrawnGraph) {
        self.graph = graph
        sizes = graph.boxes.map { box in
            let length = max(box.title.count, box.subtitle.count)
            let padding = box.shape == .choice ? 44.0 : 24.0
            return (Double(length) * Self.character + padding, box.subtitle.isEmpty ? 30 : 46)
        }
        layout = LayeredLayout(graph, sizes: sizes)
    }

    package var text: String {
        let room = graph.arrows.map { Double(min($0.label.count, Self.labelLength)) * 6 }.max() ?? 0
        let size = "\(Self.number(layout.width + room)) \(Self.number(layout.height))"
        var svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\""
        svg += " width=\"\(Self.number(layout.width + room))\" height=\"\(Self.number(layout.height))\""
        svg += " font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"12\">\n"
        svg += "  <title>\(XML.escaped(graph.name))</title>\n"
        svg += "  <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        svg += Self.heads
        for number in graph.arrows.indices { svg += arrow(number) }
        for number in graph.boxes.indices { svg += box(number) }
        // Above all lines, so that none strikes a word through.
        for number in graph.arrows.indices { svg += label(number) }
        return svg + "</svg>\n"
    }

    // MARK: Parts

    private static let heads = ["plain", "covered", "missed"].map { name in
        let colour = colour(of: name == "plain" ? .plain : name == "covered" ? .covered : .missed).line
        return "  <marker id=\"head-\(name)\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\""
            + " markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"\(colour)\"/></marker>\n"
    }.joined()

    private static func colour(of mark: DrawnGraph.Mark) -> (line: String, fill: String) {
        switch mark {
        case .plain: ("#546e7a", "#f5f7f8")
        case .covered: ("#2e7d32", "#e8f5e9")
        case .missed: ("#c62828", "#fdecea")
        }
    }

    private static func name(of mark: DrawnGraph.Mark) -> String {
        switch mark {
        case .plain: "plain"
        case .covered: "covered"
        case .missed: "missed"
        }
    }

    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths % 10))"
    }

    private func box(_ index: Int) -> String {
        let box = graph.boxes[index]
        let place = layout.places[index]
        let (width, height) = sizes[index]
        let colour = Self.colour(of: box.mark)
        let (left, top) = (place.x - width / 2, place.y - height / 2)
        let style = "fill=\"\(colour.fill)\" stroke=\"\(colour.line)\""
        var svg: String
        if box.shape == .choice {
            let points = [
                (left, place.y), (left + 16, top), (left + width - 16, top), (left + width, place.y),
                (left + width - 16, top + height), (left + 16, top + height),
            ]
            let text = points.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
            svg = "  <polygon points=\"\(text)\" \(style)/>\n"
        } else {
            let radius = box.shape == .block ? 4.0 : height / 2
            svg = "  <rect x=\"\(Self.number(left))\" y=\"\(Self.number(top))\" width=\"\(Self.number(width))\""
            svg += " height=\"\(Self.number(height))\" rx=\"\(Self.number(radius))\" \(style)/>\n"
        }
        let middle = box.subtitle.isEmpty ? place.y + 4 : place.y - 3
        svg += text(box.title, place.x, middle, "font-weight=\"600\" fill=\"#1b2a33\"")
        if !box.subtitle.isEmpty { svg += text(box.subtitle, place.x, middle + Self.line, "fill=\"#546e7a\"") }
        return svg
    }

    private func text(_ text: String, _ x: Double, _ y: Double, _ style: String) -> String {
        "  <text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"middle\" \(style)>"
            + XML.escaped(text) + "</text>\n"
    }

    private func arrow(_ index: Int) -> String {
        let arrow = graph.arrows[index]
        let points = points(of: index)
        guard let first = points.first else { return "" }
        var path = "M\(Self.number(first.x)) \(Self.number(first.y))"
        for (one, other) in zip(points, points.dropFirst()) {
            let bow = (other.y - one.y) / 2
            if layout.isBackward[index] {
                // Around the side.
                let side = max(one.x, other.x) + 80
                path += "C\(Self.number(side)) \(Self.number(one.y)) \(Self.number(side)) \(Self.number(other.y)) "
            } else {
                path += "C\(Self.number(one.x)) \(Self.number(one.y + bow)) \(Self.number(other.x)) "
                path += "\(Self.number(other.y - bow)) "
            }
            path += "\(Self.number(other.x)) \(Self.number(other.y))"
        }
        let dashes = arrow.isFailure ? " stroke-dasharray=\"5 4\"" : ""
        let width = arrow.mark == .missed ? "2" : "1.4"
        return "  <path d=\"\(path)\" fill=\"none\" stroke=\"\(Self.colour(of: arrow.mark).line)\""
            + " stroke-width=\"\(width)\"\(dashes) marker-end=\"url(#head-\(Self.name(of: arrow.mark)))\"/>\n"
    }

    /// From below the one box, through the bends, to above the other; several of one box leave side by side.
    private func points(of index: Int) -> [LayeredLayout.Place] {
        let arrow = graph.arrows[index]
        let (from, to) = (layout.places[arrow.from], layout.places[arrow.to])
        if layout.isBackward[index] {
            return [
                LayeredLayout.Place(x: from.x + sizes[arrow.from].width / 2, y: from.y),
                LayeredLayout.Place(x: to.x + sizes[arrow.to].width / 2, y: to.y),
            ]
        }
        return [LayeredLayout.Place(x: from.x + departure(index), y: from.y + sizes[arrow.from].height / 2)]
            + layout.bends[index] + [LayeredLayout.Place(x: to.x, y: to.y - sizes[arrow.to].height / 2)]
    }

    private func departure(_ index: Int) -> Double {
        let arrow = graph.arrows[index]
        let ways = graph.arrows.indices.filter { graph.arrows[$0].from == arrow.from && !layout.isBackward[$0] }
        // From left to right in the order in which they arrive.
        let sorted = ways.sorted { heading($0) < heading($1) }
        guard ways.count > 1, let position = sorted.firstIndex(of: index) else { return 0 }
        let room = sizes[arrow.from].width - 40
        return room * (Double(position) / Double(ways.count - 1) - 0.5)
    }

    private func heading(_ index: Int) -> Double {
        layout.bends[index].first?.x ?? layout.places[graph.arrows[index].to].x
    }

    private func label(_ index: Int) -> String {
        let arrow = graph.arrows[index]
        guard !arrow.label.isEmpty else { return "" }
        let points = points(of: index)
        guard let one = points.first, let other = points.dropFirst().first else { return "" }
        // As long as there is room for above the other box; the whole is told when the pointer rests on it.
        let words = arrow.label.cut(to: max(8, min(Self.labelLength, Int((sizes[arrow.to].width + 20) / 6.2))))
        let (x, y): (Double, Double)
        if layout.isBackward[index] {
            (x, y) = (max(one.x, other.x) + 64, (one.y + other.y) / 2)
        } else {
            (x, y) = (one.x * 0.12 + other.x * 0.88, other.y - 14)
        }
        let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"middle\" font-size=\"10\""
        let halo = "stroke=\"#ffffff\" stroke-width=\"3\" fill=\"none\""
        let colour = "fill=\"\(Self.colour(of: arrow.mark).line)\""
        return "  <text \(place) \(halo)>\(XML.escaped(words))</text>\n"
            + "  <text \(place) \(colour)><title>\(XML.escaped(arrow.label))</title>\(XML.escaped(words))</text>\n"
    }
}
