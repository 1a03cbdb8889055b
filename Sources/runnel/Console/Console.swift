import ArgumentParser
import Connections
import Expressions
import Foundation

/// Where a command writes: data to standard output, everything else to standard error.
enum Console {
    /// Data: what a script reads.
    static func data(_ text: String) {
        write(text + "\n", to: .standardOutput)
    }

    /// Chatter: what a person reads.
    static func note(_ text: String) {
        write(text + "\n", to: .standardError)
    }

    /// Why a command could not be done.
    static func failure(_ words: String) {
        note("runnel: \(words)")
    }

    /// A line that takes the place of the one before, on a terminal.
    static func progress(_ text: String) {
        // A terminal that went away is not an error of ours.
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K\(TerminalText.safe(text))".utf8))
    }

    /// A value as JSON on standard output.
    static func json(_ value: Value) throws {
        data(try JSON.encodePretty(value))
    }

    /// Reads a line that is not echoed when a person types it; else all of the standard input, but for the line break
    /// at its end: half of a secret must not pass for it.
    ///
    /// - Throws: `CommandFailure` for bytes that are no text.
    static func secret(prompt: String) throws -> String? {
        guard isatty(STDIN_FILENO) == 1 else {
            guard let data = try? FileHandle.standardInput.read(upToCount: SecretRule.bytesMax + 3) else { return nil }
            guard let text = String(validating: data, as: UTF8.self) else {
                throw CommandFailure("the secret on the standard input is no UTF-8 text; write it as hex or Base64")
            }
            return text.last?.isNewline == true ? String(text.dropLast()) : text
        }
        write(prompt, to: .standardError)
        let line = UnseenLine.read(from: STDIN_FILENO)
        note("")
        switch line {
        case .typed(let text): return text
        case .nothing: return nil
        case .interrupted:
            raise(SIGINT)
            return nil
        }
    }

    private static func write(_ text: String, to handle: FileHandle) {
        // A file or a pipe gets every byte as it is.
        let text = isatty(handle.fileDescriptor) == 1 ? TerminalText.safe(text) : text
        // A reader that went away (`runnel runs list | head`) is not an error of ours.
        try? handle.write(contentsOf: Data(text.utf8))
    }
}

/// The command's exit codes, as README and `--help` list them.
enum Exit {
    /// The flow, test or replay failed.
    static let failed = ExitCode(1)
    /// It could not be done: store, network, key.
    static let unable = ExitCode(2)
    /// The app has findings.
    static let findings = ExitCode(3)
}

/// Something that could not be done, told in one sentence; ends the command with 2.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Runs a command's body and turns what it throws into one line and an exit code.
func reporting(
    _ tell: (String) -> Void = Console.failure,
    _ body: () async throws -> Void
) async throws {
    do {
        try await body()
    } catch let code as ExitCode {
        throw code
    } catch let error as ValidationError {
        throw error
    } catch {
        tell("\(error)")
        throw Exit.unable
    }
}
