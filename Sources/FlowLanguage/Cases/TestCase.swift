package import Expressions

/// One test of an app, as a file of `tests/` tells it: what is there, what happens, what must come of it.
package struct TestCase: Sendable {
    package var name: String
    /// Where the name stands.
    package var range: SourceRange
    package var given: GivenState
    package var steps: [CaseStep]
    package var expectation: CaseExpectation
    /// What goes wrong on the way; written by torture, seldom by hand.
    package var disturbances: [PlacedDisturbance]
    /// Not in a case that gives a part of the rows alone, such as those that one run met.
    package var checksInvariants = true
    /// Where its parts stand, for whoever writes a case like it.
    package var parts: Parts

    package struct Parts: Sendable, Hashable {
        /// `given:` of the whole file, and the case's own.
        package var sharedGiven: SourceRange?
        package var given: SourceRange?
        package var expect: SourceRange?

        package init(sharedGiven: SourceRange? = nil, given: SourceRange? = nil, expect: SourceRange? = nil) {
            self.sharedGiven = sharedGiven
            self.given = given
            self.expect = expect
        }
    }

    package init(
        name: String,
        range: SourceRange,
        given: GivenState = GivenState(),
        steps: [CaseStep],
        expectation: CaseExpectation = CaseExpectation(),
        disturbances: [PlacedDisturbance] = [],
        parts: Parts = Parts()
    ) {
        self.name = name
        self.range = range
        self.given = given
        self.steps = steps
        self.expectation = expectation
        self.disturbances = disturbances
        self.parts = parts
    }
}

extension TestCase {
    /// The files of the app that its steps read.
    package var fileNames: [String] {
        steps.compactMap { step in
            switch step.action {
            case .hook(let hook): hook.body?.fileName
            case .stripeDelivery(let body): body.fileName
            case .capsule(let file): file
            default: nil
            }
        }
    }
}

/// What is there before the first step.
package struct GivenState: Sendable {
    /// When the case begins; it is the same moment each time.
    package var clock: Timestamp
    /// Who calls pages, unless a step says otherwise.
    package var caller: CaseCaller
    package var tables: [GivenTable]
    /// Besides those that every connection gets of itself; fakes, since the file is in a repository.
    package var secrets: [String: String]
    package var answers: [GivenAnswer]

    package init(
        clock: Timestamp = Self.firstMoment,
        caller: CaseCaller = .admin,
        tables: [GivenTable] = [],
        secrets: [String: String] = [:],
        answers: [GivenAnswer] = []
    ) {
        self.clock = clock
        self.caller = caller
        self.tables = tables
        self.secrets = secrets
        self.answers = answers
    }

    /// A Friday noon, for cases that name no time.
    package static let firstMoment: Timestamp = {
        guard let moment = Timestamp(rfc3339: "2026-11-20T12:00:00Z") else {
            preconditionFailure("the first moment is a time")
        }
        return moment
    }()
}

/// Who calls a page.
package struct CaseCaller: Sendable, Hashable {
    package var id: String?
    package var roles: [String]

    package init(id: String?, roles: [String]) {
        self.id = id
        self.roles = roles
    }

    package static let admin = CaseCaller(id: "tester", roles: ["admin"])
}

package struct GivenTable: Sendable {
    package var table: String
    package var rows: [Row]
    /// Of the first row that is added later; nil: the next one.
    package var nextID: Int64?

    package struct Row: Sendable {
        /// Nil: the next one.
        package var id: Int64?
        package var values: [NamedTemplate]
        package var range: SourceRange

        package init(id: Int64? = nil, values: [NamedTemplate], range: SourceRange) {
            self.id = id
            self.values = values
            self.range = range
        }
    }

    package init(table: String, rows: [Row], nextID: Int64? = nil) {
        self.table = table
        self.rows = rows
        self.nextID = nextID
    }
}

/// What a request to the outside gets, instead of what would answer it by default.
package struct GivenAnswer: Sendable {
    package enum Reply: Sendable {
        case answer(status: Int, headers: [String: String], body: CaseValue?)
        case trouble(Trouble)
    }

    /// All that are given must fit the request.
    package var connection: String?
    package var method: String?
    /// The request's path without its query; `*` at the end stands for any rest.
    package var path: String?
    /// `flow/path` of the block that sends it.
    package var block: String?
    package var reply: Reply
    /// How many requests it answers; nil: all.
    package var times: Int?
    package var range: SourceRange

    package init(
        connection: String? = nil,
        method: String? = nil,
        path: String? = nil,
        block: String? = nil,
        reply: Reply,
        times: Int? = nil,
        range: SourceRange
    ) {
        self.connection = connection
        self.method = method
        self.path = path
        self.block = block
        self.reply = reply
        self.times = times
        self.range = range
    }
}

/// What can go wrong with a request.
package enum Trouble: String, Sendable, Hashable, CaseIterable {
    /// No connection: it was not sent.
    case unreachable
    /// Sent and not carried out, and nobody knows: no answer comes.
    case timeout
    /// Carried out, and the answer is lost on the way.
    case lost
    /// Answered with 500, not carried out.
    case error
    /// Answered with 402, `card_declined`.
    case decline
    /// Carried out and answered when everything else has been done.
    case slow
}

/// One thing that happens.
package struct CaseStep: Sendable {
    package enum Action: Sendable {
        /// A page calls a page flow; `key` is the `Idempotency-Key`.
        case page(flow: String, input: CaseValue?, caller: CaseCaller?, key: ValueTemplate?)
        /// Another system calls a web hook.
        case hook(HookStep)
        /// A cloud flow is run; one that is not started by hand, with what its trigger brings.
        case run(flow: String, input: CaseValue?, trigger: CaseValue?, caller: CaseCaller?)
        /// The time of a schedule has come; nil: it is the present one.
        case schedule(flow: String, at: Timestamp?)
        /// Somebody sends an event that runs may wait for; nil: the system does.
        case send(event: String, key: ValueTemplate?, data: CaseValue?, caller: CaseCaller?)
        /// What started a recorded run happens again, on the rows and with the answers of its capsule.
        case capsule(file: String)
        /// The calls that make an event of Stripe happen; `changes` hold `step:path=value`.
        case stripeEvent(type: String, changes: CaseValue?)
        /// An event of Stripe as it was recorded, signed anew.
        case stripeDelivery(body: CaseBody)
        /// What the browser does: it confirms the payment of a client secret with a card.
        case pay(secret: ValueTemplate, card: ValueTemplate)
        /// A call to Stripe by somebody else than the app, such as a person at the dashboard.
        case stripeCall(method: String, path: ValueTemplate, form: CaseValue?)
        case advance(Duration)
    }

    package var action: Action
    /// What `steps.<id>` calls its result.
    package var id: String?
    package var expectation: CaseExpectation
    /// Of its first key, where messages point.
    package var range: SourceRange
    /// Of all that is written of it.
    package var extent: SourceRange

    package init(
        action: Action,
        id: String? = nil,
        expectation: CaseExpectation = CaseExpectation(),
        range: SourceRange,
        extent: SourceRange
    ) {
        self.action = action
        self.id = id
        self.expectation = expectation
        self.range = range
        self.extent = extent
    }
}

package struct HookStep: Sendable {
    package var flow: String
    package var body: CaseBody?
    package var headers: [NamedTemplate]
    package var query: [NamedTemplate]

    package init(flow: String, body: CaseBody?, headers: [NamedTemplate], query: [NamedTemplate]) {
        self.flow = flow
        self.body = body
        self.headers = headers
        self.query = query
    }
}

/// A body that is written in the case, or a file of the app.
package enum CaseBody: Sendable {
    case value(CaseValue)
    /// From the app's folder.
    case file(String, SourceRange)

    fileprivate var fileName: String? {
        if case .file(let name, _) = self { name } else { nil }
    }
}

/// What must hold: literals beside what there is, and conditions.
package struct CaseExpectation: Sendable {
    /// A mapping, compared member by member; nil: nothing is compared.
    package var value: CaseValue?
    package var conditions: [PlacedExpression]

    package init(value: CaseValue? = nil, conditions: [PlacedExpression] = []) {
        self.value = value
        self.conditions = conditions
    }

    package var isEmpty: Bool { value == nil && conditions.isEmpty }
}

/// A value of a case with the place of each part of it, so that a difference can point to its part.
package struct CaseValue: Sendable {
    package enum Content: Sendable {
        case scalar(ValueTemplate)
        case list([CaseValue])
        case map([Member])
    }

    package struct Member: Sendable {
        package var name: String
        package var value: CaseValue

        package init(name: String, value: CaseValue) {
            self.name = name
            self.value = value
        }
    }

    package var content: Content
    package var range: SourceRange

    package init(_ content: Content, range: SourceRange) {
        self.content = content
        self.range = range
    }

    package subscript(name: String) -> CaseValue? {
        guard case .map(let members) = content else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// What goes otherwise than in a quiet run.
package enum Disturbance: Sendable, Hashable {
    /// The delivery of the event comes twice, the second time behind all others.
    case twice(CaseEvent)
    /// The delivery comes after so many later ones; 0: after everything else.
    case late(CaseEvent, by: Int)
    /// The delivery waits for a later one and comes in the same moment, just before it.
    ///
    /// `isInterleaved`: the runs take turns at the tables, block by block, as they may on a busy server.
    case together(CaseEvent, with: CaseEvent, isInterleaved: Bool = false)
    /// The request with that number, from 1, meets trouble.
    case trouble(request: Int, Trouble)
    /// The process dies at the write with that number, from 1, before it is durable or right after, and starts again.
    case kill(write: Int, isDurable: Bool)
}

/// The delivery of an event: the n-th of its type, or of its hook, from 1.
package struct CaseEvent: Sendable, Hashable {
    package var type: String
    package var number: Int

    package init(type: String, number: Int) {
        self.type = type
        self.number = number
    }
}

package struct PlacedDisturbance: Sendable {
    package var disturbance: Disturbance
    package var range: SourceRange

    package init(_ disturbance: Disturbance, range: SourceRange) {
        self.disturbance = disturbance
        self.range = range
    }
}
