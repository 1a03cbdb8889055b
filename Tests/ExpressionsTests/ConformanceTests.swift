import Expressions
import Foundation
import Testing

/// Google's conformance cases, read from outside the project.
@Suite("CEL conformance")
struct ConformanceTests {
    /// `CEL_CONFORMANCE`, else `cel/conformance.json` in the shared data.
    static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["CEL_CONFORMANCE"] { return path }
        let folder = environment["RUNNEL_SHARED"] ?? "../shared"
        return [folder + "/data", folder].map { $0 + "/cel/conformance.json" }
            .first { FileManager.default.fileExists(atPath: $0) }
    }()

    static let runner: ConformanceRunner? = {
        guard let path, let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? ConformanceRunner(Array(data))
    }()

    static let files: [String] = Set((runner?.cases ?? []).map(\.file)).sorted()

    /// Core cases that may fail, each with its reason.
    static let knownFailures: [String: String] = [:]

    /// Files of extensions that are not supported.
    static let unsupported: Set<String> = ["network_ext"]

    @Test("the cases of a file pass", .enabled(if: runner != nil, "no conformance data"), arguments: files)
    func passes(file: String) throws {
        let runner = try #require(Self.runner)
        var failures: [(test: ConformanceRunner.Case, reason: String)] = []
        let cases = runner.cases.filter { $0.file == file }
        for test in cases {
            if let reason = runner.failure(of: test) { failures.append((test, reason)) }
        }
        let passed = cases.count - failures.count
        FileHandle.standardOutput.write(Data("conformance \(file): \(passed) / \(failures.count)\n".utf8))
        for failure in failures {
            FileHandle.standardOutput.write(Data("    \(failure.test): \(failure.reason)\n".utf8))
        }
        let core = failures.filter { $0.test.isCore && Self.knownFailures[$0.test.description] == nil }
        #expect(core.map(\.test.description) == [])
        if !Self.unsupported.contains(file) {
            #expect(Double(passed) >= 0.97 * Double(cases.count))
        }
    }
}
