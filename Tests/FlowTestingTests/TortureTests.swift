import FlowLanguage
import Testing

@testable import FlowTesting

/// Torture finds what only a certain order, double or crash reveals, makes it small, and leaves a healthy app alone.
@Suite("Torture")
struct TortureTests {
    private func torture(_ app: TestApp, _ name: String, histories: Int, seed: UInt64 = 1) async throws
        -> Torture.Result
    {
        let suite = try app.suite()
        let test = try #require(suite.cases.first { $0.name.contains(name) })
        let results = await Torture(suite, seed: seed, budget: .init(histories: histories), places: 2).run([test])
        return try #require(results.first)
    }

    @Test(
        "a planted bug is found, reduced to five events at most, and shown again by its case file",
        arguments: PlantedBug.bugs
    )
    func planted(_ bug: PlantedBug) async throws {
        var app = try TestApp(sample: bug.sample)
        let healthy = try await torture(app, bug.test, histories: 120)
        #expect(healthy.quiet == nil)
        #expect(healthy.breach == nil, "\(healthy.breach?.story ?? "")")
        try app.replace(bug.healthy, with: bug.broken, in: bug.file)
        let result = try await torture(app, bug.test, histories: 400)
        #expect(result.quiet == nil, "undisturbed, the broken app passes")
        let breach = try #require(result.breach)
        #expect(breach.events <= 5, "\(breach.story)")

        let text = BreachCase(breach, sources: app.tests, seed: 1).text
        app.tests = [SourceFile(path: "tests/found.yaml", bytes: Array(text.utf8))]
        let again = try await app.run()
        #expect(again.count == 1)
        #expect(again[0].problems.contains { $0.subject == breach.problem.subject }, "\(text)")
        try app.replace(bug.broken, with: bug.healthy, in: bug.file)
        // A refusal still leads the story elsewhere than the case's steps say; what was broken holds.
        let mended = try await app.run()[0].problems
        #expect(!mended.contains { $0.subject == breach.problem.subject }, "mended, it holds")
    }

    @Test("every case of the samples holds under disturbance", arguments: ["shop", "donations", "subscriptions"])
    func healthy(_ sample: String) async throws {
        let app = try TestApp(sample: sample)
        for test in try app.suite().cases {
            let result = try await torture(app, test.name, histories: 16)
            #expect(result.quiet == nil, "\(test.name)")
            let breach = result.breach.map { "\($0.story): \($0.problem.headline)" }
            #expect(breach == nil, "\(test.name)")
        }
    }

    @Test("the same seed finds the same, another one may find another")
    func sameSeed() async throws {
        var app = try TestApp(sample: "shop")
        let bug = PlantedBug.bugs[2]
        try app.replace(bug.healthy, with: bug.broken, in: bug.file)
        let first = try await torture(app, bug.test, histories: 200, seed: 7)
        let second = try await torture(app, bug.test, histories: 200, seed: 7)
        #expect(first.breach?.disturbances == second.breach?.disturbances)
        #expect(first.breach?.problem == second.breach?.problem)
        #expect(first.histories == second.histories)
    }

    @Test("of several cases each is disturbed alone, and pairs are tried only where nothing broke that way")
    func rounds() async throws {
        var app = try TestApp(sample: "shop")
        let names = ["Two orders of a product", "An order that is paid twice", "Only the boss"]
        let wanted = try app.suite().cases.filter { test in names.contains { test.name.hasPrefix($0) } }
        #expect(wanted.count == 3)
        let healthy = await Torture(try app.suite(), seed: 1, budget: .init(histories: 200), places: 2).run(wanted)
        #expect(healthy.map(\.test.name) == wanted.map(\.name))
        #expect(healthy.allSatisfy { $0.breach == nil && $0.isExhaustive })
        // Two disturbances have one pair: the budget is not spent on playing it again and again.
        #expect(
            healthy.map { min(200, 1 + $0.singles + $0.singles * ($0.singles - 1) / 2) } == healthy.map(\.histories)
        )

        let bug = PlantedBug.bugs[0]
        try app.replace(bug.healthy, with: bug.broken, in: bug.file)
        var told: [String] = []
        let broken = await Torture(try app.suite(), seed: 1, budget: .init(histories: 200), places: 2).run(wanted) {
            told.append($0.test.name)
        }
        #expect(told.map { $0.prefix(10) } == ["Two orders"])
        #expect(broken.filter { $0.breach == nil }.allSatisfy { $0.histories == $0.singles + 1 })
    }

    @Test("a case that fails undisturbed is said to, and not tortured")
    func failsUndisturbed() async throws {
        var app = try TestApp(sample: "shop")
        try app.replace("set: { status: PAID }", with: "set: { status: NEW }", in: "flows/payment-callback.yaml")
        let result = try await torture(app, "Two orders", histories: 100)
        #expect(result.quiet != nil)
        #expect(result.histories == 1)
    }

    @Test("every kind of disturbance is in the plan of a payment, each once")
    func plan() throws {
        let events = [CaseEvent(type: "a", number: 1), CaseEvent(type: "b", number: 1)]
        let course = CaseCourse(events: events, requests: [.keyed], writes: 4..<6)
        let singles = TorturePlan.singles(course)
        #expect(Set(singles).count == singles.count)
        #expect(singles.contains(.twice(events[0])))
        #expect(singles.contains(.late(events[0], by: 1)))
        #expect(!singles.contains(.late(events[1], by: 1)), "nothing comes later")
        #expect(singles.contains(.together(events[0], with: events[1])))
        #expect(singles.contains(.together(events[0], with: events[1], isInterleaved: true)))
        #expect(Trouble.allCases.allSatisfy { singles.contains(.trouble(request: 1, $0)) })
        #expect(singles.contains(.kill(write: 5, isDurable: true)))
        #expect(!singles.contains(.kill(write: 6, isDurable: true)))

        var plan = TorturePlan(course, seed: 3)
        var drawn: [Set<Disturbance>] = []
        while let history = plan.next() { drawn.append(Set(history)) }
        #expect(drawn.count == singles.count + singles.count * (singles.count - 1) / 2)
        #expect(Set(drawn).count == drawn.count, "none twice")
        #expect(drawn.prefix(singles.count).allSatisfy { $0.count == 1 })
    }
}
