import Foundation

/// Another `runnel`, started by this one; it stops at the end of its input, so it cannot outlive us.
final class ChildProcess: Sendable {
    private let process: Process
    private let input: Pipe
    private let output: FileHandle

    /// - Parameter arguments: The words after `runnel`.
    init(_ executable: URL, _ arguments: [String], environment: [String: String], log: URL) throws {
        process = Process()
        input = Pipe()
        let pipe = Pipe()
        output = pipe.fileHandleForReading
        if !FileManager.default.fileExists(atPath: log.path) {
            _ = FileManager.default.createFile(atPath: log.path, contents: nil)
        }
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        process.standardInput = input
        process.standardOutput = pipe
        let errors = try FileHandle(forWritingTo: log)
        try errors.seekToEnd()
        process.standardError = errors
        try process.run()
    }

    /// This very program.
    static var ownExecutable: URL { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath() }

    var pid: Int32 { process.processIdentifier }

    /// The child's first line of output; nil when it ended before it wrote one.
    func firstLine() -> String? {
        var line: [UInt8] = []
        while let byte = try? output.read(upToCount: 1), let first = byte.first {
            if first == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(first)
        }
        return nil
    }

    /// Ends the child's input and waits until it has stopped by itself.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Kills the child without warning, as a power cut would.
    func killAtOnce() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Waits until the child has ended by itself.
    func wait() { process.waitUntilExit() }

    /// Runs one command to its end.
    /// - Returns: exit code, standard output, standard error.
    static func run(
        _ executable: URL,
        _ arguments: [String],
        environment: [String: String],
        input text: String = ""
    ) throws -> (code: Int32, output: String, errors: String) {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = executable
        process.arguments = arguments
        process.environment = environment
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        try? input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try? input.fileHandleForWriting.close()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let complained = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: printed, as: UTF8.self),
            String(decoding: complained, as: UTF8.self)
        )
    }
}
