import Capsules
import Expressions
import FlowEngine
import Testing

/// A capsule that is not as it was written is found out, whether its sums tell or not.
@Suite("Flipped bytes and values")
struct FlipTests {
    /// Goal: damage is seen.
    ///
    /// Method: 1,000 seeded flips of one byte anywhere in the capsules of at least 20 runs that went different ways.
    @Test("a flipped byte of a file changes the verdict")
    func flips() async throws {
        let texts = try await RecordedApp.recorded().map { CapsuleText.encode($0.capsule) }
        var numbers = SeededNumbers(1)
        for number in 0..<1_000 {
            var bytes = texts[number % texts.count]
            let place = Int.random(in: bytes.indices, using: &numbers)
            bytes[place] ^= UInt8.random(in: 1...255, using: &numbers)
            #expect(throws: CapsuleError.self, "byte \(place)") { try CapsuleText.decode(bytes) }
        }
    }

    /// Goal: replay computes and does not compare a record with itself.
    ///
    /// Method: 1,000 seeded changes of one value in an input, an output, an answer or a row of those capsules, with sums
    /// that fit again. Left out is what nothing here can compute: events that were waited for, and members of an answer of
    /// Stripe that no command reads. Code is run again.
    @Test("a changed value whose sums were mended changes the verdict")
    func mendedFlips() async throws {
        let capsules = try await RecordedApp.recorded()
        #expect(capsules.contains { $0.capsule.blocks.contains("parallel") })
        #expect(capsules.contains { $0.capsule.blocks.contains("custom-code") })
        let code = try RecordedApp.workshop.pool(try RecordedApp.workshop.compile(RecordedApp.workshop.sources()))
        let replay = CapsuleReplay()
        var numbers = SeededNumbers(2)
        var unseen: [String] = []
        var aspects: [String: Int] = [:]
        for number in 0..<1_000 {
            // One after the other: the replay keeps the app of the last one.
            let (name, capsule) = capsules[number * capsules.count / 1_000]
            let found = ValueFlip.flip(in: capsule, using: &numbers)
            let (changed, aspect, what) = try #require(found, "\(name)")
            aspects[aspect, default: 0] += 1
            let isCode = capsule.blocks.contains("custom-code")
            let verdict =
                isCode
                ? try? await replay.replay(changed, running: try #require(code)) : try? replay.replay(changed)
            if let verdict, verdict.divergence == nil {
                unseen.append("\(name): \(what)")
            }
        }
        #expect(unseen.isEmpty, "\(unseen.count) unseen: \(Set(unseen).sorted().prefix(20))")
        #expect(Set(aspects.keys) == ["input", "output", "answer", "row"], "\(aspects)")
    }
}

/// Changes one value of a capsule, as damage or a forger would.
enum ValueFlip {
    /// - Returns: The capsule, which of its aspects changed, and what there is in its place; nil when nothing was found.
    static func flip(
        in capsule: Capsule,
        using numbers: inout SeededNumbers
    ) -> (Capsule, aspect: String, what: String)? {
        for _ in 0..<200 {
            if let found = attempt(in: capsule, using: &numbers) { return found }
        }
        return nil
    }

    private static func attempt(
        in capsule: Capsule,
        using numbers: inout SeededNumbers
    ) -> (Capsule, String, String)? {
        var capsule = capsule
        let run = Int.random(in: capsule.history.runs.indices, using: &numbers)
        let entries = capsule.history.runs[run].entries
        // What a run would have come to that was stopped, nothing here can compute.
        guard capsule.history.runs[run].record.status != .cancelled else { return nil }
        guard !entries.isEmpty else {
            guard var answer = capsule.history.runs[run].record.answer else { return nil }
            answer.body = changed(answer.body, using: &numbers)
            guard answer != capsule.history.runs[run].record.answer else { return nil }
            capsule.history.runs[run].record.answer = answer
            return (capsule, "output", "answer of a run without entries")
        }
        let place = Int.random(in: entries.indices, using: &numbers)
        var entry = entries[place]
        let aspect = ["input", "output", "answer", "row"][Int.random(in: 0..<4, using: &numbers)]
        switch aspect {
        case "input" where !entry.input.isNull: entry.input = changed(entry.input, using: &numbers)
        case "output" where !entry.output.isNull && entry.block != "wait":
            entry.output = changed(entry.output, using: &numbers)
        case "answer":
            guard entry.block == "http-request", var receipt = entry.receipt, !receipt.answer.body.isEmpty else {
                return nil
            }
            let at = Int.random(in: receipt.answer.body.indices, using: &numbers)
            receipt.answer.body[at] ^= 1
            entry.receipt = receipt
        case "row":
            guard let accesses = entry.accesses, !accesses.isEmpty else { return nil }
            let number = Int.random(in: accesses.indices, using: &numbers)
            guard !accesses[number].rows.isEmpty, let other = StoreAccess(changedRow(accesses[number].value, &numbers))
            else { return nil }
            entry.accesses?[number] = other
        default: return nil
        }
        guard entry != entries[place] else { return nil }
        capsule.history.runs[run].entries[place] = entry
        let what = "\(aspect) of \(entry.block) \(entry.address.path)"
        let (old, new) = (shown(entries[place]), shown(entry))
        let start = zip(old, new).prefix { $0 == $1 }.count
        return (capsule, aspect, what + ": \(new.dropFirst(max(0, start - 40)).prefix(60))")
    }

    private static func shown(_ entry: JournalEntry) -> String {
        let accesses = Value.list((entry.accesses ?? []).map(\.value))
        return String(decoding: JSON.encodeExact([entry.input, entry.output, accesses]), as: UTF8.self)
    }

    private static func changedRow(_ value: Value, _ numbers: inout SeededNumbers) -> Value {
        guard case .map(var map) = value else { return value }
        for key in ["rows", "before", "row"] where map[key] != nil {
            map[key] = map[key].map { changed($0, using: &numbers) }
        }
        return .map(map)
    }

    /// One leaf of the value, changed by one step.
    static func changed(_ value: Value, using numbers: inout SeededNumbers) -> Value {
        switch value {
        case .map(var map) where !map.isEmpty:
            let entry = map.entry(at: Int.random(in: 0..<map.count, using: &numbers))
            map[entry.key] = changed(entry.value, using: &numbers)
            return .map(map)
        case .list(var list) where !list.isEmpty:
            let place = Int.random(in: list.indices, using: &numbers)
            list[place] = changed(list[place], using: &numbers)
            return .list(list)
        case .int(let number): return .int(number ^ 1)
        case .string(let text): return .string(text + "x")
        case .bool(let bool): return .bool(!bool)
        case .null: return "was null"
        case .double(let number): return .double(number + 1)
        case .timestamp(let time): return (time + .seconds(1)).map(Value.timestamp) ?? .null
        case .bytes(let bytes): return .bytes(bytes + [0])
        default: return value
        }
    }
}
