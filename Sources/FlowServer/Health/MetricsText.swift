import FlowEngine

/// The two text formats that scrapers ask for.
enum MetricsFormat: Sendable {
    case prometheus
    /// Of the same family: counters lose their suffix in the head, and the text says where it ends.
    case openMetrics

    init(accepting accept: String) {
        self = accept.contains("application/openmetrics-text") ? .openMetrics : .prometheus
    }

    var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

/// Builds the text of a scrape.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram }

    private let format: MetricsFormat
    private var text = ""
    private var name = ""

    init(_ format: MetricsFormat) { self.format = format }

    /// The whole text.
    var finished: String { format == .openMetrics ? text + "# EOF\n" : text }

    /// Begins a family; the name of a counter stands without `_total`.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.name = kind == .counter ? name + "_total" : name
        let head = format == .openMetrics ? name : self.name
        text += "# HELP \(head) \(help)\n# TYPE \(head) \(kind.rawValue)\n"
    }

    /// A family with one sample.
    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, .gauge, help)
        sample([], value)
    }

    mutating func sample(_ labels: [(name: String, value: String)], _ value: Int) {
        line(name, labels, String(value))
    }

    mutating func sample(_ labels: [(name: String, value: String)], _ value: Double) {
        line(name, labels, "\(value)")
    }

    mutating func sample(_ labels: [(name: String, value: String)], _ histogram: Histogram) {
        var count = 0
        for (index, part) in histogram.counts.enumerated() {
            count += part
            let end = index < histogram.bounds.count ? "\(histogram.bounds[index])" : "+Inf"
            line(name + "_bucket", labels + [("le", end)], String(count))
        }
        line(name + "_sum", labels, "\(histogram.sum)")
        line(name + "_count", labels, String(count))
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: String) {
        let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
        text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
