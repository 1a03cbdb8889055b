import ArgumentParser
import Expressions
import Foundation

struct ResetSimulator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Forgets everything but the clock and the endpoints it was started with."
    )
    @OptionGroup var simulator: SimulatorControl

    func run() async throws {
        try await reporting {
            let answer = try await simulator.call("POST", "reset")
            if simulator.json { return try Console.json(answer) }
            Console.note("the simulator is as it started")
        }
    }
}

struct ExportState: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes the whole state to a file, for `import`."
    )
    @Argument(help: "The file; - is standard output.") var file: String
    @OptionGroup var simulator: SimulatorControl

    func run() async throws {
        try await reporting {
            let bytes = try await simulator.exchange("GET", "state", [])
            if file == "-" { return Console.data(String(decoding: bytes, as: UTF8.self)) }
            try Data(bytes).write(to: URL(filePath: file), options: .atomic)
            let size: Value = ["file": .string(file), "bytes": .int(Int64(bytes.count))]
            if simulator.json { return try Console.json(size) }
            Console.note("\(file): \(bytes.count) bytes")
        }
    }
}

struct ImportState: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Replaces the whole state by an exported one."
    )
    @Argument(help: "The file; - is standard input.") var file: String
    @OptionGroup var simulator: SimulatorControl

    func run() async throws {
        try await reporting {
            let data =
                file == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(filePath: file))
            guard !data.isEmpty else { throw CommandFailure("\(file) is empty") }
            let answer = try await simulator.exchange("POST", "state", Array(data))
            if simulator.json { return try Console.json(try JSON.parse(answer)) }
            Console.note("the simulator goes on from \(file)")
        }
    }
}
