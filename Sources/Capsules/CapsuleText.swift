import Crypto
import Expressions
import FlowEngine
import FlowLanguage

/// A capsule as JSON Lines: one object a line, each closed by a sum over its line and the sum before.
///
/// So a byte that was changed, a line that was left out, moved or added is found, and where. See README.md.
package enum CapsuleText {
    /// Bytes of a capsule at the most.
    package static let byteLimit = 64 << 20
    private static let lineLimit = 400_000
    private static let sumLead = Array(",\"sum\":\"".utf8)
    /// Hexadecimal digits: 128 bits.
    private static let sumDigits = 32

    // MARK: Writing

    package static func encode(_ capsule: Capsule) -> [UInt8] {
        var writer = LineWriter()
        writer.write(header(capsule.header))
        for file in capsule.files {
            let text = String(validating: file.bytes, as: UTF8.self).map(Value.string) ?? .bytes(file.bytes)
            writer.write(["file": .string(file.path), "text": text])
        }
        if let delivery = capsule.delivery {
            var line: ValueMap = ["delivery": delivery.value]
            line["is"] = capsule.deliveryMember.map(Value.string)
            writer.write(.map(line))
        }
        writer.write(["installation": .bytes(capsule.history.installation)])
        for (number, run) in capsule.history.runs.enumerated() {
            let kept = number == 0 ? capsule.history.kept : 0
            writer.write(["run": run.record.capsuleValue(kept: kept)])
            for entry in run.entries { writer.write(["entry": entry.capsuleValue]) }
        }
        if let hash = capsule.metHash { writer.write(["met": .string(hash)]) }
        for change in capsule.changes { writer.write(["written": change.capsuleValue]) }
        writer.write(["end": .int(Int64(writer.lines))])
        return writer.bytes
    }

    private static func header(_ header: Capsule.Header) -> Value {
        var keys = ValueMap()
        for (name, key) in header.publishableKeys.sorted(by: { $0.key < $1.key }) { keys[name] = .string(key) }
        return [
            "capsule": .int(Capsule.formatVersion), "program": .string(header.program),
            "exportedAt": .timestamp(header.exportedAt), "app": .string(header.app),
            "files": .string(header.filesHash), "schema": .string(header.schemaHash),
            "publishableKeys": .map(keys), "secrets": .list(header.secretNames.map(Value.string)),
            "limitation": header.limitation.map(Value.string) ?? .null,
        ]
    }

    private struct LineWriter {
        private(set) var bytes: [UInt8] = []
        private(set) var lines = 0
        private var sum: [UInt8] = []

        mutating func write(_ value: Value) {
            let content = JSON.encodeExact(value).dropLast()
            sum = CapsuleText.sum(of: content, after: sum)
            bytes += content
            bytes += CapsuleText.sumLead
            bytes += sum
            bytes += Array("\"}\n".utf8)
            lines += 1
        }
    }

    private static func sum(of content: ArraySlice<UInt8>, after before: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: before)
        hash.update(data: [UInt8(ascii: "\n")])
        content.withUnsafeBytes { hash.update(bufferPointer: $0) }
        let digits = Array("0123456789abcdef".utf8)
        return hash.finalize().prefix(sumDigits / 2).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    // MARK: Reading

    /// Reads a capsule.
    ///
    /// - Throws: `CapsuleError` that names the first line which is not as it was written.
    package static func decode(_ bytes: [UInt8]) throws(CapsuleError) -> Capsule {
        try decode(bytes, checkingSums: true)
    }

    /// `checkingSums: false` takes lines whose sums do not fit: for tests of what else notices a change.
    package static func decode(_ bytes: [UInt8], checkingSums: Bool) throws(CapsuleError) -> Capsule {
        var assembly = CapsuleAssembly()
        for (number, line) in try lines(of: bytes, checkingSums: checkingSums).enumerated() {
            let value: Value
            do {
                value = try JSON.parseExact(Array(line), limits: .journal)
            } catch {
                throw CapsuleError(number == 0 ? .notACapsule : .malformed, line: number + 1, "this is not JSON")
            }
            try assembly.take(try CapsuleForm(value, line: number + 1))
        }
        return try assembly.capsule()
    }

    /// Checks that every byte is as it was written.
    ///
    /// - Returns: The number of lines.
    package static func verify(_ bytes: [UInt8]) throws(CapsuleError) -> Int {
        try lines(of: bytes, checkingSums: true).count
    }

    /// The lines' contents, each closed again where its sum stood.
    private static func lines(of bytes: [UInt8], checkingSums: Bool) throws(CapsuleError) -> [[UInt8]] {
        guard bytes.count <= byteLimit else {
            throw CapsuleError(.notACapsule, "a capsule has at most \(byteLimit >> 20) MiB")
        }
        try CapsuleLead.check(bytes)
        var lines: [[UInt8]] = []
        var sum: [UInt8] = []
        let tail = sumLead.count + sumDigits + 2
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        {
            if line.isEmpty, line.startIndex == bytes.count { break }
            if lines.last?.starts(with: endLead) == true {
                throw CapsuleError(
                    .damaged,
                    line: number + 1,
                    line.starts(with: CapsuleLead.text)
                        ? "a second capsule begins here: a file holds one" : "nothing stands behind the end"
                )
            }
            guard number < lineLimit else { throw CapsuleError(.notACapsule, "a capsule has fewer lines") }
            guard line.count > tail, line.suffix(2).elementsEqual("\"}".utf8),
                line.suffix(tail).prefix(sumLead.count).elementsEqual(sumLead)
            else {
                let isConverted = line.last == UInt8(ascii: "\r")
                throw CapsuleError(
                    .damaged,
                    line: number + 1,
                    isConverted
                        ? "the line ends with CR LF: the file was converted on its way; copy it as binary"
                        : "the line does not end with its sum"
                )
            }
            let content = line.dropLast(tail)
            sum = Self.sum(of: content, after: sum)
            guard !checkingSums || line.suffix(sumDigits + 2).dropLast(2).elementsEqual(sum) else {
                throw CapsuleError(
                    .damaged,
                    line: number + 1,
                    "the line, or one before it, is not as it was written: its sum does not fit"
                )
            }
            lines.append(Array(content) + [UInt8(ascii: "}")])
        }
        guard let last = lines.last, last.starts(with: endLead) else {
            throw CapsuleError(.damaged, line: lines.count, "the end is missing: the file was cut")
        }
        guard bytes.last == UInt8(ascii: "\n") else {
            throw CapsuleError(.damaged, line: lines.count, "the line break behind the last line is missing")
        }
        return lines
    }

    private static let endLead = Array("{\"end\":".utf8)
}

/// Puts a capsule together from its lines, in their order.
private struct CapsuleAssembly {
    private var header: Capsule.Header?
    private var files: [SourceFile] = []
    private var delivery: Delivery?
    private var deliveryMember: String?
    private var installation: [UInt8] = []
    private var runs: [RecordedRun] = []
    private var kept = 0
    private var changes: [RowChange] = []
    private var metHash: String?
    private var lines = 0
    private var isEnded = false

    mutating func take(_ form: CapsuleForm) throws(CapsuleError) {
        guard !isEnded else { throw form.error("nothing stands behind the end") }
        guard let word = form.map.count > 0 ? form.map.entry(at: 0).key.stringValue : nil else {
            throw form.error("the line says nothing")
        }
        if lines == 0 {
            guard word == "capsule" else { throw form.error("the first line is not a capsule's") }
            header = try Self.header(form)
        }
        switch word {
        case "capsule": if lines > 0 { throw form.error("a second beginning") }
        case "file": try take(file: form)
        case "delivery":
            guard let delivery = form["delivery"].flatMap(Delivery.init) else { throw form.error("no delivery") }
            self.delivery = delivery
            deliveryMember = try form.optionalText("is")
        case "installation":
            guard case .bytes(let bytes) = form["installation"] else {
                throw form.error("'installation' must be bytes")
            }
            installation = bytes
        case "run":
            let run = try form.form("run")
            if runs.isEmpty { kept = try run.optionalCount("kept") ?? 0 }
            runs.append(RecordedRun(record: try RunRecord(run), entries: []))
        case "entry":
            let entry = try JournalEntry(try form.form("entry"))
            guard let last = runs.indices.last, entry.address.run == runs[last].record.id else {
                throw form.error("an entry of another run than the one before it")
            }
            guard entry.sequence == runs[last].entries.count + 1 else { throw form.error("entries are out of order") }
            runs[last].entries.append(entry)
        case "met": metHash = try form.text("met")
        case "written": changes.append(try RowChange(try form.form("written")))
        case "end":
            guard try form.count("end") == lines else { throw form.error("lines are missing") }
            isEnded = true
        default: throw form.error("'\(word)' is no line of a capsule of format \(Capsule.formatVersion)")
        }
        lines += 1
    }

    private mutating func take(file form: CapsuleForm) throws(CapsuleError) {
        let bytes: [UInt8]
        switch form["text"] {
        case .string(let text): bytes = Array(text.utf8)
        case .bytes(let raw): bytes = raw
        default: throw form.error("'text' must be a string")
        }
        files.append(SourceFile(path: try form.text("file"), bytes: bytes))
    }

    private static func header(_ form: CapsuleForm) throws(CapsuleError) -> Capsule.Header {
        let version = try form.int("capsule")
        guard version <= Capsule.formatVersion else {
            throw CapsuleLead.newer(version)
        }
        guard version == Capsule.formatVersion else { throw form.error("there is no format \(version)") }
        var header = Capsule.Header(
            program: try form.text("program"),
            exportedAt: try form.time("exportedAt"),
            app: try form.text("app"),
            filesHash: try form.text("files"),
            schemaHash: try form.text("schema"),
            secretNames: try form.texts("secrets"),
            limitation: try form.optionalText("limitation")
        )
        for (name, key) in try form.map("publishableKeys") {
            guard let name = name.stringValue, let key = key.stringValue else {
                throw form.error("'publishableKeys' must hold strings")
            }
            header.publishableKeys[name] = key
        }
        return header
    }

    func capsule() throws(CapsuleError) -> Capsule {
        guard let header, isEnded else { throw CapsuleError(.damaged, "the end is missing: the file was cut") }
        guard !runs.isEmpty else { throw CapsuleError(.malformed, "the capsule holds no run") }
        guard Set(runs.map(\.record.id)).count == runs.count else {
            throw CapsuleError(.malformed, "a run stands twice in the capsule")
        }
        guard kept <= runs[0].entries.count else {
            throw CapsuleError(.malformed, "the run keeps more entries than it has")
        }
        return Capsule(
            header: header,
            files: files,
            delivery: delivery,
            deliveryMember: deliveryMember,
            history: RecordedHistory(runs: runs, installation: installation, kept: kept),
            changes: changes,
            metHash: metHash
        )
    }
}
