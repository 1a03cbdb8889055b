import ArgumentParser
import Capsules
import Expressions
import FlowEngine
import Foundation

struct CapsuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capsule",
        abstract: "Looks at exported runs.",
        subcommands: [ShowCapsule.self, VerifyCapsule.self]
    )

    struct ShowCapsule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "What a capsule holds, as a person reads it."
        )
        @Argument(help: "The capsule.") var file: String

        func run() async throws {
            try await reporting { Console.data(CapsuleView(try CapsuleFile.read(file).capsule).text) }
        }
    }

    struct VerifyCapsule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Checks that every byte is as it was written. Exit code 1: it is not."
        )
        @Argument(help: "The capsules.") var files: [String]

        func run() async throws {
            try await reporting {
                var isDamaged = false
                for file in files {
                    let bytes = try CapsuleFile.bytes(of: file)
                    do throws(CapsuleError) {
                        let capsule = try CapsuleText.decode(bytes)
                        Console.data(
                            "\(file): whole, run \(capsule.run.record.id) of '\(capsule.run.record.start.flow)'"
                        )
                    } catch {
                        isDamaged = true
                        Console.data("\(file):\(error.line.map { "\($0): " } ?? " ")\(error.message)")
                    }
                }
                if isDamaged { throw Exit.failed }
            }
        }
    }
}

/// Capsules on disk.
enum CapsuleFile {
    /// Bounded by what is read and not by what a size says: a link, a pipe or a device has another one.
    static func bytes(of path: String) throws -> [UInt8] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandFailure("there is no file \(path)")
        }
        guard !isFolder.boolValue else { throw CommandFailure("\(path) is a folder: name the capsules in it") }
        let limit = CapsuleText.byteLimit
        var bytes: [UInt8] = []
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }  // Nothing was written; a failure to close loses nothing.
            while bytes.count <= limit, let more = try handle.read(upToCount: 1 << 20), !more.isEmpty { bytes += more }
        } catch {
            throw CommandFailure("\(path) cannot be read")
        }
        guard bytes.count <= limit else { throw CommandFailure("\(path): a capsule has at most \(limit >> 20) MiB") }
        return bytes
    }

    static func read(_ path: String) throws -> (capsule: Capsule, bytes: [UInt8]) {
        let bytes = try bytes(of: path)
        do throws(CapsuleError) {
            return (try CapsuleText.decode(bytes), bytes)
        } catch {
            throw CommandFailure("\(path):\(error.line.map { "\($0): " } ?? " ")\(error.message)")
        }
    }
}
