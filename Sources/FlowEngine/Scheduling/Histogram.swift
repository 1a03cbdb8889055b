/// Counts by size, for figures of which the middle says little.
package struct Histogram: Sendable, Hashable {
    /// The upper ends of the classes, growing; what is larger is in one more.
    package let bounds: [Double]
    /// One more than there are bounds.
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    package var count: Int { counts.reduce(0, +) }

    package mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    /// From a tenth of a millisecond to a minute.
    static let seconds = Histogram(bounds: [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ])
    /// From one job to twice the largest group.
    static let jobs = Histogram(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
}

/// How long a block took, from its `now` to its entry.
struct BlockTiming: Sendable {
    var block: String
    var microseconds: Int64
}
