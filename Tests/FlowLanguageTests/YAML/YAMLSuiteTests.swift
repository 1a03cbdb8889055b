import Expressions
import Foundation
import Testing

@testable import FlowLanguage

/// A case of yaml-test-suite, with what its place in the shared folder says about it.
struct YAMLSuiteCase: Sendable, CustomTestStringConvertible {
    var id: String
    var name: String
    var yaml: String
    var isError: Bool
    var json: String?

    var testDescription: String { "\(id) \(name)" }

    static let path =
        (ProcessInfo.processInfo.environment["RUNNEL_SHARED"] ?? "../shared") + "/data/yaml/yaml-test-suite.json"

    static let isThere = FileManager.default.fileExists(atPath: path)

    static let all: [YAMLSuiteCase] = {
        guard let data = FileManager.default.contents(atPath: path),
            let value = try? JSON.parse([UInt8](data)), let tests = value["tests"]?.listValue
        else { return [] }
        return tests.compactMap { test in
            guard let id = test["id"]?.stringValue, let yaml = test["yaml"]?.stringValue else { return nil }
            return YAMLSuiteCase(
                id: id,
                name: test["name"]?.stringValue ?? "",
                yaml: yaml,
                isError: test["error"]?.boolValue ?? false,
                json: test["json"]?.stringValue
            )
        }
    }()

    /// What the flow language refuses on purpose.
    static let subset: Set<String> = [
        "yaml.tag", "yaml.documents", "yaml.key", "yaml.duplicate-key", "yaml.merge", "yaml.empty", "yaml.number",
        "yaml.trap.negation", "yaml.trap.comment",
    ]

    static let acceptedIDs = Set(accepted.values.joined())
    static let refusedIDs = Set(refused.values.joined())
}

@Suite("yaml-test-suite", .enabled(if: YAMLSuiteCase.isThere, "needs ../shared/data/yaml/yaml-test-suite.json"))
struct YAMLSuiteTests {
    @Test("is parsed or refused as it says, and gives its JSON", arguments: YAMLSuiteCase.all)
    func reads(_ test: YAMLSuiteCase) throws {
        let findings = FindingCollector()
        let text = SourceText(SourceFile(path: "test.yaml", bytes: Array(test.yaml.utf8)))
        let root = YAMLTreeBuilder.build(text, findings: findings)
        for diagnostic in findings.diagnostics {
            #expect(diagnostic.range.start.offset <= text.bytes.count)
            #expect(diagnostic.range.end.offset <= text.bytes.count)
        }
        let codes = Set(findings.diagnostics.map(\.code))
        if test.isError {
            #expect(!codes.isEmpty || YAMLSuiteCase.acceptedIDs.contains(test.id))
            return
        }
        if YAMLSuiteCase.refusedIDs.contains(test.id) { return }
        #expect(codes.subtracting(YAMLSuiteCase.subset) == [])
        guard codes.isEmpty, let root else { return }
        checkPlaces(root, text)
        guard let json = test.json, let expected = try? JSON.parse(json) else { return }
        let value = FileContext(text: text, findings: findings).constant(of: root)
        #expect(try #require(value).isNumericallyEqual(to: expected))
    }

    /// Every scalar's way back into the file is known.
    private func checkPlaces(_ node: YAMLNode, _ text: SourceText) {
        switch node.content {
        case .unreadable: break
        case .scalar(let scalar): #expect(ScalarMap(scalar, range: node.range, in: text).isExact, "\(scalar)")
        case .sequence(let items): for item in items { checkPlaces(item, text) }
        case .mapping(let pairs):
            for pair in pairs {
                checkPlaces(pair.key, text)
                checkPlaces(pair.value, text)
            }
        }
    }
}

extension Value {
    /// JSON does not tell 12 from 12.0.
    fileprivate func isNumericallyEqual(to other: Value) -> Bool {
        switch (self, other) {
        case (.int(let left), .double(let right)), (.double(let right), .int(let left)): return Double(left) == right
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isNumericallyEqual(to: $1) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && left.allSatisfy { entry in right[entry.key]?.isNumericallyEqual(to: entry.value) ?? false }
        default: return self == other
        }
    }
}
