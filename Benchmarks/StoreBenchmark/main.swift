import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation

/// Prints how many commits, rows and flows a second the store's own statements do, beside the limit of this machine's
/// disk measured in the same run.
struct StoreBenchmark {
    let store: SQLiteStore
    let clock = ContinuousClock()

    static let tables = [
        Table(
            name: "orders",
            columns: [
                Column(name: "total", type: .int, min: 1),
                Column(name: "status", type: .string, defaultValue: "NEW", allowed: ["NEW", "PAID"]),
                Column(name: "seats", type: .int, defaultValue: 0),
            ]
        )
    ]

    func report(_ what: String, _ count: Int, _ body: () throws -> Void) rethrows {
        // Time on the processor says what the statements cost when other programs keep the machine busy.
        let before = Foundation.clock()
        let time = try clock.measure(body)
        let busy = Double(Foundation.clock() - before) / Double(CLOCKS_PER_SEC)
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        let rate = Int(Double(count) / seconds)
        let microseconds = String(format: "%.1f", busy / Double(count) * 1e6)
        print("\(what): \(rate)/s, \(microseconds) µs of processor time each (\(count))")
    }

    let text = String(repeating: "x", count: 200)
    let moment = Timestamp(microseconds: 1_798_761_600_000_000)

    func start() throws -> RunStart {
        RunStart(
            flow: "checkout",
            version: FlowVersion(String(repeating: "0123456789abcdef", count: 4)),
            origin: .page,
            input: ["orderId": 7, "email": "ann@example.com"],
            caller: Caller(id: "ann@example.com", roles: ["customer"]),
            mode: .test
        )
    }

    func entry(_ run: RunID, _ path: BlockPath, _ number: Int, _ time: Timestamp) -> JournalEntry {
        JournalEntry(
            address: EntryAddress(run: run, path: path, visit: number, attempt: 1),
            sequence: number,
            block: "update-record",
            status: .succeeded,
            startedAt: time,
            finishedAt: time,
            input: ["where": ["id": 1], "set": ["seats": .int(Int64(number))]],
            output: ["changed": 1]
        )
    }

    func commits(_ count: Int) throws {
        try report("single commits of one row", count) {
            for number in 0..<count {
                // SQLite writes nothing when a row stays as it is.
                let value = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
                try store.writeGroup { transaction throws(StoreError) in try transaction.setSetting("a", value) }
            }
        }
    }

    func entries(groups: Int, of size: Int) throws {
        guard let moment else { return }
        var run = RunID(0)
        let start = try start()
        try store.writeGroup { transaction throws(StoreError) in run = try transaction.insertRun(start, at: moment) }
        let path = BlockPath("loop/0/update")
        var number = 0
        try report("journal entries of 300 bytes in groups of \(size)", groups * size) {
            for _ in 0..<groups {
                try store.writeGroup { transaction throws(StoreError) in
                    for _ in 0..<size {
                        number += 1
                        var entry = entry(run, path, number, moment)
                        entry.input = .string(text)
                        try transaction.insertEntry(entry, epoch: store.bootEpoch)
                    }
                }
            }
        }
    }

    func records(groups: Int, of size: Int) throws {
        try report("app rows inserted in groups of \(size)", groups * size) {
            for _ in 0..<groups {
                try store.writeGroup { transaction throws(StoreError) in
                    for number in 0..<size {
                        _ = try transaction.insert(into: "orders", [("total", .int(Int64(number + 1)))])
                    }
                }
            }
        }
    }

    /// A run row, ten record blocks (a savepoint, an update of one row, an entry), the run's end.
    func flows(groups: Int, of size: Int) throws {
        guard let moment else { return }
        let start = try start()
        let paths = (0..<10).map { BlockPath("block\($0)") }
        try report("flows of ten record blocks in groups of \(size)", groups * size) {
            for _ in 0..<groups {
                try store.writeGroup { transaction throws(StoreError) in
                    for number in 0..<size {
                        let run = try transaction.insertRun(start, at: moment)
                        for (position, path) in paths.enumerated() {
                            try transaction.savepoint { () throws(StoreError) in
                                _ = try transaction.update(
                                    RecordUpdate(
                                        table: "orders",
                                        where: [.init("id", equals: .int(Int64(number % 1000 + 1)))],
                                        set: [.init("seats", .add(.column("seats"), .value(1)))]
                                    )
                                )
                                try transaction.insertEntry(
                                    entry(run, path, position + 1, moment),
                                    epoch: store.bootEpoch
                                )
                            }
                        }
                        try transaction.updateRun(
                            RunRecord(
                                id: run,
                                start: start,
                                status: .succeeded,
                                epoch: store.bootEpoch,
                                createdAt: moment,
                                startedAt: moment,
                                finishedAt: moment,
                                answer: RunAnswer(status: 200, body: ["changed": 1])
                            )
                        )
                    }
                }
            }
        }
    }
}

let folder = (CommandLine.arguments.dropFirst().first ?? NSTemporaryDirectory()) + "/store-benchmark-\(getpid())"
let store = try SQLiteStore(folder: folder, tables: StoreBenchmark.tables)
let benchmark = StoreBenchmark(store: store)
try benchmark.commits(5000)
try benchmark.records(groups: 1000, of: 100)
try benchmark.entries(groups: 1000, of: 100)
try benchmark.entries(groups: 100, of: 1000)
try benchmark.flows(groups: 300, of: 32)
try benchmark.flows(groups: 100, of: 100)
try benchmark.commits(5000)
store.close()
try FileManager.default.removeItem(atPath: folder)
