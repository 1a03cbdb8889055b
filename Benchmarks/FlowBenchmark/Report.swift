import Foundation

/// All figures of a run: the median of the rounds and how far they lie apart.
struct Report {
    private struct Line {
        var unit: String
        var values: [Double]
        var noise: Double
    }

    let machine: String
    var isQuiet = true
    var remarks: [String] = []
    private var order: [String] = []
    private var lines: [String: Line] = [:]

    init(machine: String) { self.machine = machine }

    mutating func add(_ name: String, _ value: Double, _ unit: String, _ machine: Machine) {
        if lines[name] == nil { order.append(name) }
        var line = lines[name] ?? Line(unit: unit, values: [], noise: 0)
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
            Swift.print("\(padded)  \(Self.text(line.values.median)) \(line.unit)  (\(spread))")
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
            return [
                "name": name, "unit": line.unit, "median": line.values.median, "lowest": sorted.first ?? 0,
                "highest": sorted.last ?? 0, "rounds": line.values.count, "noise": line.noise,
            ]
        }
        let object: [String: Any] = [
            "machine": machine, "figures": figures, "remarks": remarks,
            "isTooNoisy": !isQuiet || noise > Machine.noisy,
        ]
        let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
        try data.write(to: URL(fileURLWithPath: path))
    }

    private static func text(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    }
}
