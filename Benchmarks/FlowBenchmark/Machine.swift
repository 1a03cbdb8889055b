import Foundation

/// What the machine was doing while something was measured.
struct Machine {
    /// Processor time in clock ticks: of everyone, and of this process with the children it has waited for.
    private struct Ticks {
        var busy: Double
        var total: Double
        var own: Double
    }

    /// Share of the processors that others used, beyond which a figure is not worth much.
    static let noisy = 0.15

    private let before: Ticks

    init() { before = Self.ticks() }

    /// Share of all processors that other processes have used since this value was made.
    var noise: Double {
        let now = Self.ticks()
        let total = now.total - before.total
        guard total > 0 else { return 0 }
        return max(0, (now.busy - before.busy) - (now.own - before.own)) / total
    }

    /// Waits until others leave the processors alone, for a minute at most.
    ///
    /// - Returns: Whether they do.
    static func waitForQuiet() -> Bool {
        for _ in 0..<60 {
            let machine = Machine()
            Thread.sleep(forTimeInterval: 1)
            if machine.noise < 0.05 { return true }
        }
        return false
    }

    static var description: String {
        let model = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
            .split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
            .map { $0.trimmingCharacters(in: .whitespaces) }
        return "\(ProcessInfo.processInfo.activeProcessorCount) × \(model ?? "unknown processor")"
    }

    /// Of a clock that all processes of the machine share.
    static var monotonicSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Resident memory of this process in MiB.
    static var residentMebibytes: Double {
        let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
        return (pages.flatMap { $0.count > 1 ? Double($0[1]) : nil } ?? 0) * Double(getpagesize()) / 1_048_576
    }

    /// Seconds of processor time that this process has used, its children not counted.
    static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// File descriptors of this process.
    static var openFiles: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }

    private static func ticks() -> Ticks {
        let line = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8))?.split(separator: "\n").first ?? ""
        // user nice system idle iowait irq softirq steal
        let figures = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        let total = figures.reduce(0, +)
        let idle = figures.count > 4 ? figures[3] + figures[4] : 0
        let own = (try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8)) ?? ""
        // Behind the name in brackets; utime stime cutime cstime are the 12th to 15th from there.
        let fields = own.split(separator: ")").last?.split(separator: " ") ?? []
        let times = fields.count > 15 ? fields[11...14].compactMap { Double($0) } : []
        return Ticks(busy: total - idle, total: total, own: times.reduce(0, +))
    }
}

/// A program that this one starts and waits for.
enum ChildProgram {
    /// - Returns: What it wrote to standard output.
    static func output(_ path: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchmarkFailure("\(path) ended with \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
