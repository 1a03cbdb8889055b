import Crypto
import Expressions

extension FlowVersion {
    /// SHA-256 over what a run of the flow depends on: the flow without comments, titles and the order of its keys, the
    /// code it runs, and the columns of the tables it uses.
    ///
    /// Its sub-flows are added once all flows of the app are there.
    static func of(_ source: FlowSource, tables: Set<String>, code: [CodeText], model: AppModel) -> FlowVersion {
        var writer = CanonicalWriter(skippedKeys: source.titleKeys)
        writer.write(text: "runnel-flow-1")
        writer.write(source.root)
        for name in tables.sorted() {
            guard let table = model.table(named: name) else { continue }
            writer.write(text: table.name)
            for column in table.columns.sorted(by: { $0.name < $1.name }) { writer.write(column) }
        }
        for text in code { writer.write(text: text.text) }
        return FlowVersion(digest: SHA256.hash(data: writer.bytes))
    }

    init(digest: SHA256Digest) {
        let digits = Array("0123456789abcdef".utf8)
        let text = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        self.init(String(decoding: text, as: UTF8.self))
    }
}

/// Writes trees so that equal meaning gives equal bytes; each text carries its length, so no two trees look alike.
private struct CanonicalWriter {
    /// Places of keys that do not count.
    let skippedKeys: Set<Int>
    private(set) var bytes: [UInt8] = []

    init(skippedKeys: Set<Int>) { self.skippedKeys = skippedKeys }

    mutating func write(text: String) {
        bytes += "s\(text.utf8.count):".utf8
        bytes += text.utf8
    }

    mutating func write(_ node: YAMLNode) {
        switch node.content {
        case .unreadable: bytes += "?".utf8
        case .scalar(let scalar):
            switch scalar.resolved {
            case .null: bytes += "n;".utf8
            case .bool(let value): bytes += (value ? "t;" : "f;").utf8
            case .int(let value): bytes += "i\(value);".utf8
            case .double(let value): bytes += "d\(value);".utf8
            case .hugeInt(let text), .text(let text): write(text: text)
            }
        case .sequence(let items):
            bytes += "[".utf8
            for item in items { write(item) }
            bytes += "]".utf8
        case .mapping(let pairs):
            bytes += "{".utf8
            let counted = pairs.filter { !skippedKeys.contains($0.key.range.lowerBound) }
            for pair in counted.sorted(by: { $0.name < $1.name }) {
                write(text: pair.name)
                write(pair.value)
            }
            bytes += "}".utf8
        }
    }

    mutating func write(_ column: Column) {
        write(text: column.name)
        write(text: column.type.rawValue)
        bytes += "\(column.isOptional)\(column.isUnique);".utf8
        for text in column.allowed { write(text: text) }
        let bounds = [column.min, column.max, column.maxLength.map(Int64.init)]
        bytes += bounds.map { $0.map(String.init) ?? "-" }.joined(separator: ",").utf8
        bytes += JSON.encodeExact(column.defaultValue ?? .null)
        write(text: column.references ?? "")
    }
}
