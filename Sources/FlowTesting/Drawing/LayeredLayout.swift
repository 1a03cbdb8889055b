/// Where the boxes of a graph stand: in layers from top to bottom, so that ways lead downwards and cross seldom.
///
/// After Sugiyama: layers by the longest way from the start, places for long arrows in the layers that they pass, order
/// within a layer by the mean of its neighbours, and then columns moved towards them.
struct LayeredLayout {
    struct Place: Hashable {
        var x: Double
        var y: Double
    }

    /// Centres of the boxes.
    private(set) var places: [Place]
    /// For each arrow the points that it passes between its boxes.
    private(set) var bends: [[Place]]
    private(set) var width = 0.0
    private(set) var height = 0.0
    /// Arrows that lead upwards.
    private(set) var isBackward: [Bool]

    private static let gap = 28.0
    private static let layerGap = 64.0
    private static let sweeps = 12

    /// A box, or the place that a long arrow needs in a layer.
    private struct Cell {
        var layer: Int
        var width: Double
        var x = 0.0
        var neighbours: [Int] = []
    }

    init(_ graph: DrawnGraph, sizes: [(width: Double, height: Double)]) {
        let count = graph.boxes.count
        isBackward = Self.backward(graph)
        let layers = Self.layers(graph, isBackward)
        var cells = (0..<count).map { Cell(layer: layers[$0], width: sizes[$0].width) }
        var ways: [[Int]] = []
        for (number, arrow) in graph.arrows.enumerated() {
            var way = [arrow.from]
            if !isBackward[number], layers[arrow.to] - layers[arrow.from] > 1 {
                for layer in (layers[arrow.from] + 1)..<layers[arrow.to] {
                    way.append(cells.count)
                    cells.append(Cell(layer: layer, width: 12))
                }
            }
            way.append(arrow.to)
            ways.append(way)
            guard !isBackward[number] else { continue }
            for (one, other) in zip(way, way.dropFirst()) {
                cells[one].neighbours.append(other)
                cells[other].neighbours.append(one)
            }
        }
        let rows = Self.ordered(&cells)
        let left = cells.map { $0.x - $0.width / 2 }.min() ?? 0
        for index in cells.indices { cells[index].x += Self.gap - left }
        width = (cells.map { $0.x + $0.width / 2 }.max() ?? 0) + Self.gap
        var tops: [Double] = []
        var y = Self.gap
        for row in rows {
            let tallest = row.filter { $0 < count }.map { sizes[$0].height }.max() ?? 0
            tops.append(y + tallest / 2)
            y += tallest + Self.layerGap
        }
        height = y - Self.layerGap + Self.gap
        places = (0..<count).map { Place(x: cells[$0].x, y: tops[cells[$0].layer]) }
        bends = ways.map { way in way.dropFirst().dropLast().map { Place(x: cells[$0].x, y: tops[cells[$0].layer]) } }
    }

    /// Arrows that lead back to a box whose ways are still being followed.
    private static func backward(_ graph: DrawnGraph) -> [Bool] {
        var isBackward = [Bool](repeating: false, count: graph.arrows.count)
        var state = [Int](repeating: 0, count: graph.boxes.count)  // 0 new, 1 open, 2 done
        let outgoing = Dictionary(grouping: graph.arrows.indices, by: { graph.arrows[$0].from })
        var stack: [(box: Int, next: Int)] = []
        for root in graph.boxes.indices where state[root] == 0 {
            state[root] = 1
            stack.append((root, 0))
            while let top = stack.last {
                let arrows = outgoing[top.box] ?? []
                guard top.next < arrows.count else {
                    state[top.box] = 2
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let target = graph.arrows[arrows[top.next]].to
                if state[target] == 1 { isBackward[arrows[top.next]] = true }
                if state[target] == 0 {
                    state[target] = 1
                    stack.append((target, 0))
                }
            }
        }
        return isBackward
    }

    private static func layers(_ graph: DrawnGraph, _ isBackward: [Bool]) -> [Int] {
        var layers = [Int](repeating: 0, count: graph.boxes.count)
        // As many rounds as the longest way has boxes, at most.
        for _ in graph.boxes.indices {
            var hasMoved = false
            for (number, arrow) in graph.arrows.enumerated() where !isBackward[number] {
                if layers[arrow.to] < layers[arrow.from] + 1 {
                    layers[arrow.to] = layers[arrow.from] + 1
                    hasMoved = true
                }
            }
            if !hasMoved { break }
        }
        return layers
    }

    /// Orders each layer and gives every cell its column.
    private static func ordered(_ cells: inout [Cell]) -> [[Int]] {
        let depth = (cells.map(\.layer).max() ?? 0) + 1
        var rows = (0..<depth).map { layer in cells.indices.filter { cells[$0].layer == layer } }
        for row in rows { spread(row, &cells, towards: nil) }
        for sweep in 0..<sweeps {
            let isDownwards = sweep % 2 == 0
            for layer in isDownwards ? Array(rows.indices) : rows.indices.reversed() {
                let wanted = rows[layer].map { cell -> (cell: Int, x: Double) in
                    let side = cells[cell].neighbours.filter {
                        isDownwards ? cells[$0].layer < layer : cells[$0].layer > layer
                    }
                    guard !side.isEmpty else { return (cell, cells[cell].x) }
                    return (cell, side.map { cells[$0].x }.reduce(0, +) / Double(side.count))
                }
                let sorted = wanted.enumerated().sorted {
                    ($0.element.x, $0.offset) < ($1.element.x, $1.offset)
                }.map(\.element)
                rows[layer] = sorted.map(\.cell)
                spread(rows[layer], &cells, towards: sorted.map(\.x))
            }
        }
        return rows
    }

    /// Puts cells side by side, each as near as may be to where it wants to be.
    private static func spread(_ row: [Int], _ cells: inout [Cell], towards wanted: [Double]?) {
        var xs: [Double] = []
        for (position, cell) in row.enumerated() {
            let target = wanted?[position] ?? 0
            guard position > 0 else {
                xs.append(target)
                continue
            }
            let before = row[position - 1]
            xs.append(max(target, xs[position - 1] + (cells[before].width + cells[cell].width) / 2 + gap))
        }
        // Pushed to the right alone, the row would drift: it is moved back as a whole.
        let drift: Double
        if let wanted, !row.isEmpty {
            drift = zip(xs, wanted).map { $0 - $1 }.reduce(0, +) / Double(row.count)
        } else {
            drift = ((xs.first ?? 0) + (xs.last ?? 0)) / 2
        }
        for (position, cell) in row.enumerated() { cells[cell].x = xs[position] - drift }
    }
}
