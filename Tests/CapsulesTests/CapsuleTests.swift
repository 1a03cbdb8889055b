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

    @Test("a capsule of a program whose versions did not count sub-flows replays, and its runs keep their versions")
    func recordedBefore() async throws {
        let calls = [CapsuleWorld.Call(flow: "guarded", input: ["name": "g"])]
        var capsule = try #require(try await CapsuleWorld.capsules(calls).first)
        let version = capsule.run.record.start.version
        #expect(version.own != version)
        for number in capsule.history.runs.indices {
            let version = capsule.history.runs[number].record.start.version.own
            capsule.history.runs[number].record.start.version = version
        }
        let verdict = try CapsuleReplay().replay(capsule)
        #expect(verdict.divergence == nil, "\(verdict.divergence?.summary ?? "")")
        #expect(verdict.outcome.runs.map(\.record.start.version) == capsule.history.runs.map(\.record.start.version))
        capsule.history.runs[0].record.start.version = FlowVersion(version.own.rawValue + "-0")
        #expect(throws: ReplayRefusal.self) { try CapsuleReplay().replay(capsule) }
    }

    @Test("10,000 mutations of capsules are refused or compared, and never end the process", arguments: 0..<4)
    func hostile(_ quarter: Int) async throws {
        let texts = try await RecordedApp.recorded().map { CapsuleText.encode($0.capsule) }
        let replay = CapsuleReplay()
        var numbers = SeededNumbers(UInt64(3 + 4 * quarter))
        var read = 0
        for number in quarter * 2_500..<(quarter + 1) * 2_500 {
            // One after the other: the replay keeps the app of the last one.
            var bytes = texts[number * texts.count / 10_000]
            for _ in 0...Int.random(in: 0..<3, using: &numbers) { Self.mutate(&bytes, using: &numbers) }
            guard let capsule = try? CapsuleText.decode(bytes, checkingSums: false) else { continue }
            read += 1
            _ = try? replay.replay(capsule)
        }
        #expect(read >= 250, "most are refused when they are read; too few got further")
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

    @Test("a file that came otherwise than it was written is told what happened to it, and what to do")
    func conversions() async throws {
        let text = CapsuleText.encode(try #require(try await CapsuleWorld.capsules([CapsuleWorld.calls[3]]).first))
        let lines = String(decoding: text, as: UTF8.self)
        let newer = Array(lines.replacing("{\"capsule\":1", with: "{\"capsule\":2").utf8)
        let cases: [([UInt8], String)] = [
            ([], "the file is empty"), ([0x1F, 0x8B, 8, 0], "compressed"),
            ([0xEF, 0xBB, 0xBF] + text, "byte order mark"),
            ([0xFF, 0xFE, 0x7B, 0], "UTF-16"), (Array(lines.replacing("\n", with: "\r\n").utf8), "CR LF"),
            (Array(text.dropLast()), "line break behind the last line"), (text + text, "a second capsule begins here"),
            (text + Array("x\n".utf8), "nothing stands behind the end"), (newer, "a newer runnel wrote this capsule"),
            (Array("{\"a\":1}\n".utf8), "runnel runs export"),
        ]
        for (bytes, words) in cases {
            do throws(CapsuleError) {
                _ = try CapsuleText.decode(bytes)
                Issue.record("it was read: \(words)")
            } catch {
                #expect(error.message.contains(words), "\(error.message)")
            }
        }
    }

    /// Goal: no secret leaves the house.
    ///
    /// Method: twenty-five canaries, in the vault, in headers, in what a service echoes and in what a caller sends.
    @Test("no capsule holds a secret, and it replays all the same")
    func canaries() async throws {
        var secrets: [String: Secret] = [:]
        for number in 1...10 { secrets["stock.test.key\(number)"] = Secret("canary/vault+\(number)\"x") }
        let shaped = [
            "sk_" + "test_canary11canary", "rk_" + "live_canary12canary", "wh" + "sec_canary13canary",
            "SG" + ".canary14.canary", "pi_1_secret_canary15", "Bearer canary16canary16x",
            "eyJcanary17.canary17.canary17canary", "rnl_" + String(repeating: "canary18", count: 5) + "abc",
        ]
        let key = ["-----BEGIN RSA PRIVATE KEY-----", "canary25", "-----END RSA PRIVATE KEY-----"].joined(
            separator: "\n"
        )
        let foreign: [String] = [
            "gh" + "p_canary21canary21canary21", "xo" + "xb-canary22-canary22", "AK" + "IAcanary23canary23",
            "https://ann:canary24@example.com/x", key,
            "Basic dXNlcjpjYW5hcnkvdmF1bHQrMyJ4",  // user:canary/vault+3"x
        ]
        let echoed = (Array(secrets.values).map { $0.reveal() } + shaped + foreign).joined(separator: " ")
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
        #expect(!text.contains("YW5hcnkvdmF1"))
        #expect(!text.lowercased().contains("set-cookie"))
        #expect(capsule.header.limitation == nil)
        #expect(try CapsuleReplay().replay(capsule).divergence == nil)
    }
}
