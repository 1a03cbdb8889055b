import Capsules
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@Suite struct CapsuleTests {
    @Test("runs of every kind of block replay to the last byte from their files")
    func replay() async throws {
        let capsules = try await CapsuleWorld.capsules(CapsuleWorld.calls)
        #expect(capsules.count == 20)
        for capsule in capsules {
            #expect(capsule.header.limitation == nil, "\(capsule.run.record.start.flow)")
            #expect(capsule.run.record.failure == nil, "\(capsule.run.record.start.flow)")
            let again = try CapsuleText.decode(CapsuleText.encode(capsule))
            #expect(again == capsule)
            let verdict = try CapsuleReplay().replay(again)
            #expect(verdict.divergence == nil, "\(verdict.divergence?.summary ?? "")")
        }
    }

    /// Goal: damage is seen.
    ///
    /// Method: 1,000 seeded flips of one byte anywhere in the capsules of at least 20 runs that went different ways.
    @Test("a flipped byte of a file changes the verdict")
    func flips() async throws {
        let texts = try await Self.recorded().map { CapsuleText.encode($0.capsule) }
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
    /// that fit again. Left out is what nothing here can compute: events that were waited for, what code asked (its own
    /// tests run the code), and members of an answer of Stripe that no command reads.
    @Test("a changed value whose sums were mended changes the verdict")
    func mendedFlips() async throws {
        let capsules = try await Self.recorded().filter { !$0.capsule.blocks.contains("custom-code") }
        #expect(capsules.count >= 20)
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
            if let verdict = try? replay.replay(changed), verdict.divergence == nil {
                unseen.append("\(name): \(what)")
            }
        }
        #expect(unseen.isEmpty, "\(unseen.count) unseen: \(Set(unseen).sorted().prefix(20))")
        #expect(Set(aspects.keys) == ["input", "output", "answer", "row"], "\(aspects)")
    }

    /// The runs of the cases of four apps, each of another way through its flow.
    private static func recorded() async throws -> [(name: String, capsule: Capsule)] {
        let recorded = try await RecordedApp.distinct()
        #expect(recorded.count >= 20)
        return recorded
    }

    @Test("10,000 mutations of capsules are refused or compared, and never end the process")
    func hostile() async throws {
        let texts = try await CapsuleWorld.capsules(Array(CapsuleWorld.calls.prefix(4))).map { CapsuleText.encode($0) }
        let replay = CapsuleReplay()
        var numbers = SeededNumbers(3)
        for number in 0..<10_000 {
            var bytes = texts[number % texts.count]
            for _ in 0...Int.random(in: 0..<3, using: &numbers) { Self.mutate(&bytes, using: &numbers) }
            guard let capsule = try? CapsuleText.decode(bytes, checkingSums: false) else { continue }
            _ = try? replay.replay(capsule)
        }
    }

    /// Goal: no number, time, text or depth that a capsule can hold ends the process.
    ///
    /// Method: 1,000 capsules in which one value became an extreme one, with sums that nobody checks, are read; those
    /// that are not refused then are shown, replayed, compared with their own app, and made cases.
    @Test("extreme values in capsules are refused or compared, and never end the process")
    func extremes() async throws {
        let capsules = try await RecordedApp.workshop.capsules().map(\.capsule)
        let replay = CapsuleReplay()
        var numbers = SeededNumbers(4)
        var read = 0
        for number in 0..<1_000 {
            let text = CapsuleText.encode(capsules[number * capsules.count / 1_000])
            let bytes = try ExtremeValue.placed(in: text, using: &numbers)
            guard let capsule = try? CapsuleText.decode(bytes, checkingSums: false) else { continue }
            read += 1
            _ = CapsuleView(capsule).text
            guard let app = try? replay.compiledApp(of: capsule), let verdict = try? replay.replay(capsule) else {
                continue
            }
            if let divergence = verdict.divergence { _ = DivergenceView(divergence).text(file: "a") }
            _ = try? replay.compare(capsule, with: app)
            _ = try? CaseText(capsule, app: app, rows: verdict.outcome.outside).text()
        }
        #expect(read >= 150, "most are refused when they are read; too few got further")
    }

    private static func mutate(_ bytes: inout [UInt8], using numbers: inout SeededNumbers) {
        let place = Int.random(in: bytes.indices, using: &numbers)
        switch Int.random(in: 0..<6, using: &numbers) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: place)
        case 3: bytes[place] = UInt8.random(in: 0x30...0x39, using: &numbers)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + 20))
        default:
            let end = min(bytes.count, place + 200)
            bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: bytes.indices, using: &numbers))
        }
        if bytes.isEmpty { bytes = [0] }
    }

    @Test("a capsule of a newer format, an empty file and a cut one are told in a sentence")
    func refusals() async throws {
        let text = CapsuleText.encode(try #require(try await CapsuleWorld.capsules([CapsuleWorld.calls[3]]).first))
        #expect(throws: CapsuleError.self) { try CapsuleText.decode([]) }
        #expect(throws: CapsuleError.self) { try CapsuleText.decode(Array("hello\n".utf8)) }
        let cut = Array(text.dropLast(200))
        do throws(CapsuleError) {
            _ = try CapsuleText.decode(cut)
            Issue.record("a cut capsule was read")
        } catch {
            #expect(error.code == .damaged)
        }
        let newer = String(decoding: text, as: UTF8.self).replacing("{\"capsule\":1", with: "{\"capsule\":2")
        do throws(CapsuleError) {
            _ = try CapsuleText.decode(Array(newer.utf8), checkingSums: false)
            Issue.record("a newer capsule was read")
        } catch {
            #expect(error.code == .newerFormat)
        }
    }

    /// Goal: no secret leaves the house.
    ///
    /// Method: twenty canaries, in the vault, in headers, in what a service echoes and in what a caller sends.
    @Test("no capsule holds a secret, and it replays all the same")
    func canaries() async throws {
        var secrets: [String: Secret] = [:]
        for number in 1...10 { secrets["stock.test.key\(number)"] = Secret("canary/vault+\(number)\"x") }
        let shaped = [
            "sk_" + "test_canary11canary", "rk_" + "live_canary12canary", "wh" + "sec_canary13canary",
            "SG" + ".canary14.canary", "pi_1_secret_canary15", "Bearer canary16canary16x",
            "eyJcanary17.canary17.canary17canary", "rnl_" + String(repeating: "canary18", count: 5) + "abc",
        ]
        let echoed = (Array(secrets.values).map { $0.reveal() } + shaped).joined(separator: " ")
        let body = try JSON.encode(["left": 4, "echo": .string(echoed)])
        let capsules = try await CapsuleWorld.capsules(
            [.init(flow: "outside", input: ["sku": "s", "token": .string(echoed)])],
            secrets: secrets
        ) { _ in
            OutsideAnswer(
                status: 200,
                headers: [
                    "content-type": "application/json", "set-cookie": "id=canary19", "x-api-key": "canary20",
                ],
                body: body
            )
        }
        let capsule = try #require(capsules.first)
        let text = String(decoding: CapsuleText.encode(capsule), as: UTF8.self)
        #expect(
            !text.contains("canary"),
            "\(text.ranges(of: "canary").prefix(3).map { text[$0.lowerBound...].prefix(40) })"
        )
        #expect(!text.lowercased().contains("set-cookie"))
        #expect(capsule.header.limitation == nil)
        #expect(try CapsuleReplay().replay(capsule).divergence == nil)
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
