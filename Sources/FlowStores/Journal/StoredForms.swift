import Expressions
import FlowEngine
import FlowLanguage

/// How values of the engine stand in text columns: exact JSON, read back strictly.
enum StoredForms {
    static func corrupt(_ what: String) -> StoreError { StoreError(.corrupt, "\(what) on disk cannot be read") }

    static func parse(_ bytes: [UInt8], _ what: String) throws(StoreError) -> Value {
        do {
            return try JSON.parseExact(bytes, limits: .journal)
        } catch {
            throw corrupt(what)
        }
    }

    // MARK: Answers and failures

    static func encode(_ answer: RunAnswer) throws(StoreError) -> [UInt8] {
        let form: Value = ["status": .int(Int64(answer.status)), "headers": .map(answer.headers), "body": answer.body]
        return try StoredExtent.encoded(form, "the answer")
    }

    static func answer(_ bytes: [UInt8]) throws(StoreError) -> RunAnswer {
        let form = try parse(bytes, "answer")
        guard form.mapValue?.count == 3, let status = form["status"]?.intValue.flatMap({ Int(exactly: $0) }),
            let headers = form["headers"]?.mapValue, let body = form["body"]
        else { throw corrupt("answer") }
        return RunAnswer(status: status, headers: headers, body: body)
    }

    static func encode(_ failure: BlockFailure) -> [UInt8] {
        var form = ValueMap(minimumCapacity: 10)
        form["code"] = .string(failure.code)
        form["type"] = .string(failure.type)
        form["message"] = .string(failure.message)
        form["status"] = failure.status.map { .int(Int64($0)) }
        form["declineCode"] = failure.declineCode.map { .string($0) }
        form["param"] = failure.param.map { .string($0) }
        if failure.retryable { form["retryable"] = true }
        form["retryAfter"] = failure.retryAfter.map { .int(Int64($0)) }
        form["requestID"] = failure.requestID.map { .string($0) }
        form["block"] = failure.block.map { .string($0) }
        return JSON.encodeExact(.map(form))
    }

    static func failure(_ bytes: [UInt8]) throws(StoreError) -> BlockFailure {
        guard let form = try parse(bytes, "failure").mapValue, let code = form["code"]?.stringValue,
            let type = form["type"]?.stringValue, let message = form["message"]?.stringValue
        else { throw corrupt("failure") }
        var failure = BlockFailure(code: code, type: type, message: message)
        for (key, value) in form {
            switch (key.stringValue, value) {
            case ("code", _), ("type", _), ("message", _): break
            case ("status", .int(let status)): failure.status = Int(status)
            case ("declineCode", .string(let text)): failure.declineCode = text
            case ("param", .string(let text)): failure.param = text
            case ("retryable", .bool(let flag)): failure.retryable = flag
            case ("retryAfter", .int(let seconds)): failure.retryAfter = Int(seconds)
            case ("requestID", .string(let text)): failure.requestID = text
            case ("block", .string(let text)): failure.block = text
            default: throw corrupt("failure")
            }
        }
        return failure
    }

    // MARK: Traces, as lists since there are many: [path, block, result, microseconds, note?]

    /// Nil for an empty trace.
    static func encode(_ trace: [TraceStep]) -> [UInt8]? {
        if trace.isEmpty { return nil }
        let steps = trace.map { step in
            var form: [Value] = [
                .string(step.path.rawValue), .string(step.block), .string(step.result.rawValue),
                .int(step.at.microseconds),
            ]
            if let note = step.note { form.append(.string(note)) }
            return Value.list(form)
        }
        return JSON.encodeExact(.list(steps))
    }

    static func trace(_ bytes: [UInt8]) throws(StoreError) -> [TraceStep] {
        guard let steps = try parse(bytes, "trace").listValue else { throw corrupt("trace") }
        var trace: [TraceStep] = []
        trace.reserveCapacity(steps.count)
        for step in steps {
            guard let form = step.listValue, form.count == 4 || form.count == 5, let path = form[0].stringValue,
                let block = form[1].stringValue, let result = form[2].stringValue.flatMap(TraceStep.Result.init),
                let at = form[3].intValue.flatMap({ Timestamp(microseconds: $0) })
            else { throw corrupt("trace") }
            var note: String?
            if form.count == 5 {
                note = form[4].stringValue
                if note == nil { throw corrupt("trace") }
            }
            trace.append(TraceStep(path: BlockPath(path), block: block, result: result, at: at, note: note))
        }
        return trace
    }

    // MARK: Evidence

    static func encode(_ accesses: [StoreAccess]) -> [UInt8] { JSON.encodeExact(.list(accesses.map(\.value))) }

    static func accesses(_ bytes: [UInt8]) throws(StoreError) -> [StoreAccess] {
        guard let accesses = StoreAccess.list(try parse(bytes, "accesses")) else { throw corrupt("accesses") }
        return accesses
    }

    static func receipt(_ bytes: [UInt8]) throws(StoreError) -> Receipt {
        guard let receipt = Receipt(try parse(bytes, "receipt")) else { throw corrupt("receipt") }
        return receipt
    }

    // MARK: Lists of names

    static func encode(_ names: [String]) -> [UInt8] { JSON.encodeExact(.list(names.map { .string($0) })) }

    static func names(_ bytes: [UInt8], _ what: String) throws(StoreError) -> [String] {
        guard let list = try parse(bytes, what).listValue else { throw corrupt(what) }
        var names: [String] = []
        for element in list {
            guard let name = element.stringValue else { throw corrupt(what) }
            names.append(name)
        }
        return names
    }
}

extension PreparedStatement {
    func timestamp(_ column: Int32) throws(StoreError) -> Timestamp {
        guard let moment = Timestamp(microseconds: try int(column)) else { throw StoredForms.corrupt("time") }
        return moment
    }

    /// What `decode` reads, nil when it cannot be read.
    func unlessCorrupt<Result>(
        _ decode: (PreparedStatement) throws(StoreError) -> Result
    ) throws(StoreError) -> Result? {
        do throws(StoreError) {
            return try decode(self)
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    func optionalTimestamp(_ column: Int32) throws(StoreError) -> Timestamp? {
        isNull(column) ? nil : try timestamp(column)
    }

    func bind(_ moment: Timestamp?) {
        if let moment { bind(moment.microseconds) } else { bindNull() }
    }

    func count(_ column: Int32) throws(StoreError) -> Int {
        guard let count = Int(exactly: try int(column)), count >= 0 else { throw StoredForms.corrupt("count") }
        return count
    }

    /// One word of a closed list.
    func word<Word: RawRepresentable<String>>(_ column: Int32, _ type: Word.Type) throws(StoreError) -> Word {
        guard let word = Word(rawValue: try text(column)) else {
            throw StoreError(.corrupt, "an unknown word stands on disk for \(type)")
        }
        return word
    }

    func value(_ column: Int32, _ what: String) throws(StoreError) -> Value {
        try StoredForms.parse(try textBytes(column), what)
    }

    func map(_ column: Int32, _ what: String) throws(StoreError) -> ValueMap {
        guard let map = try value(column, what).mapValue else { throw StoredForms.corrupt(what) }
        return map
    }

    /// Writes NULL for null, the most frequent value.
    func bindExact(_ value: Value, _ what: @autoclosure () -> String) throws(StoreError) {
        if value.isNull { bindNull() } else { try StoredExtent.withExact(value, what()) { bindUTF8($0) } }
    }

    func exactOrNull(_ column: Int32, _ what: String) throws(StoreError) -> Value {
        isNull(column) ? .null : try value(column, what)
    }
}
