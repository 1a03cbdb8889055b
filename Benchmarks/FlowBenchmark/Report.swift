import Foundation

/// All figures of a run: the median of the rounds and how far they lie apart.
struct Report {
    /// What a figure must reach; it is judged by the median.
    enum Bound {
        case atLeast(Double)
        case atMost(Double)

        func holds(_ value: Double) -> Bool {
            switch self {
            case .atLeast(let bound): value >= bound
            case .atMost(let bound): value <= bound
            }
        }

        var text: String {
            switch self {
            case .atLeast(let bound): "at least \(Report.text(bound))"
            case .atMost(let bound): "at most \(Report.text(bound))"
            }
        }
    }

    private struct Line {
        var unit: String
        var bound: Bound?
        var values: [Double]
        var noise: Double
    }

    let machine: String
    var isQuiet = true
    var remarks: [String] = []
    private var order: [String] = []
    private var lines: [String: Line] = [:]

    init(machine: String) { self.machine = machine }

    mutating func add(_ name: String, _ value: Double, _ unit: String, _ machine: Machine, _ bound: Bound? = nil) {
        if lines[name] == nil { order.append(name) }
        var line = lines[name] ?? Line(unit: unit, bound: bound, values: [], noise: 0)
        line.values.append(value)
        line.noise = max(line.noise, machine.noise)
        lines[name] = line
    }

    private var noise: Double { lines.values.map(\.noise).max() ?? 0 }

    func print() {
        Swift.print(machine)
        let width = order.map(\.count).max() ?? 0
        for name in order {
            guard let line = lines[name] else { continue }
            let padded = name.padding(toLength: width, withPad: " ", startingAt: 0)
            let sorted = line.values.sorted()
            let spread = "\(Self.text(sorted.first ?? 0)) to \(Self.text(sorted.last ?? 0))"
            let verdict = line.bound.map { " \($0.holds(line.values.median) ? "ok" : "MISSED"): \($0.text)" } ?? ""
            Swift.print("\(padded)  \(Self.text(line.values.median)) \(line.unit)  (\(spread))\(verdict)")
        }
        for remark in remarks { Swift.print(remark) }
        let percent = Int(noise * 100)
        if !isQuiet || noise > Machine.noisy {
            Swift.print("TOO NOISY TO JUDGE: others used up to \(percent) % of the processors meanwhile")
        } else {
            Swift.print("others used at most \(percent) % of the processors meanwhile")
        }
    }

    func write(to path: String) throws {
        let figures = order.compactMap { name -> [String: Any]? in
            guard let line = lines[name] else { return nil }
            let sorted = line.values.sorted()
            var figure: [String: Any] = [
                "name": name, "unit": line.unit, "median": line.values.median, "lowest": sorted.first ?? 0,
                "highest": sorted.last ?? 0, "rounds": line.values.count, "noise": line.noise,
            ]
            if let bound = line.bound {
                figure["bound"] = bound.text
                figure["holds"] = bound.holds(line.values.median)
            }
            return figure
        }
        let object: [String: Any] = [
            "machine": machine, "figures": figures, "remarks": remarks,
            "isTooNoisy": !isQuiet || noise > Machine.noisy,
        ]
        let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
        try data.write(to: URL(fileURLWithPath: path))
    }

    fileprivate static func text(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    }
}
