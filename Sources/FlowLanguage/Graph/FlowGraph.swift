package import Expressions

/// A flow, checked and compiled: nodes in one array, edges as indexes into it.
///
/// Nested lists (`do`, `success`, `fail` …) are chains whose last node leads on to where their owner would have led.
package struct FlowGraph: Sendable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case page, cloud
    }

    package var name: String
    package var kind: Kind
    package var title: String?
    /// Roles that may call a page flow; `admin` always may.
    package var access: [String]
    /// Nil for page flows.
    package var trigger: Trigger?
    package var inputs: [InputDeclaration]
    package var outputs: [OutputDeclaration]
    package var nodes: [Node]
    /// Nil: a flow without blocks.
    package var entry: NodeIndex?
    /// What a whole run may take, from its first block on.
    package var timeout: Duration?
    /// The `finally` lists, in the order of their `try` blocks: the outer ones first.
    package var finals: [Finally] = []
    /// Hash over the flow's canonical text and the columns of the tables it uses, and over those of its sub-flows.
    package var version: FlowVersion
    /// Who is recorded and printed; the flow's file and the place of its name.
    package var range: SourceRange
    /// How many of its runs go at once; nil: as many as there are places.
    package var concurrency: ConcurrencyLimit?
    /// Among flows with waiting runs those with more go first; -100 to 100.
    package var priority: Int

    package init(
        name: String,
        kind: Kind,
        title: String? = nil,
        access: [String] = [],
        trigger: Trigger? = nil,
        inputs: [InputDeclaration] = [],
        outputs: [OutputDeclaration] = [],
        nodes: [Node],
        entry: NodeIndex?,
        version: FlowVersion,
        range: SourceRange,
        concurrency: ConcurrencyLimit? = nil,
        priority: Int = 0
    ) {
        self.name = name
        self.kind = kind
        self.title = title
        self.access = access
        self.trigger = trigger
        self.inputs = inputs
        self.outputs = outputs
        self.nodes = nodes
        self.entry = entry
        self.version = version
        self.range = range
        self.concurrency = concurrency
        self.priority = priority
    }

    package subscript(index: NodeIndex) -> Node { nodes[index.rawValue] }
}

extension FlowGraph {
    /// Where a `try` and its `finally` lie among the nodes; nodes are numbered in the order written.
    package struct Finally: Sendable {
        package var begin: NodeIndex
        /// The nodes of `do` and of every `catch`.
        package var guarded: Range<Int>
        /// The node that holds the failure, by which `finally` is entered, and the nodes of the list.
        package var list: Range<Int>

        package var holding: NodeIndex { NodeIndex(list.lowerBound) }
    }
}

/// The place of a node in its graph's array.
package struct NodeIndex: Sendable, Hashable {
    package var rawValue: Int

    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// A block's place in its flow, stable while its surroundings stay: `outcome/0/markPaid`.
///
/// An id where there is one, else the block's position in its list; branches by their position, named lists
/// (`success`, `fail`, `do`) by their name.
package struct BlockPath: Sendable, Hashable, CustomStringConvertible {
    package var rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}

/// The SHA-256 of what a run depends on, in lower-case hexadecimal: of its own flow and, behind a dash where it runs
/// others, of those.
package struct FlowVersion: Sendable, Hashable, CustomStringConvertible {
    package var rawValue: String

    package init(_ rawValue: String) { self.rawValue = rawValue }

    package var description: String { rawValue }
}

package struct InputDeclaration: Sendable, Hashable {
    package var name: String
    package var type: ColumnType
    package var isOptional: Bool
    package var defaultValue: Value?
    package var allowed: [String]
    package var min: Int64?
    package var max: Int64?
    package var maxLength: Int?

    package init(
        name: String,
        type: ColumnType,
        isOptional: Bool = false,
        defaultValue: Value? = nil,
        allowed: [String] = [],
        min: Int64? = nil,
        max: Int64? = nil,
        maxLength: Int? = nil
    ) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.defaultValue = defaultValue
        self.allowed = allowed
        self.min = min
        self.max = max
        self.maxLength = maxLength
    }
}

package struct OutputDeclaration: Sendable {
    package var name: String
    package var value: ValueTemplate

    package init(name: String, value: ValueTemplate) {
        self.name = name
        self.value = value
    }
}

package enum Trigger: Sendable, Hashable {
    case manual
    case webhook(WebhookTrigger)
    case callback(CallbackTrigger)
    case schedule(ScheduleTrigger)
    case table(TableTrigger)
    /// Events of Stripe by their types, such as `payment_intent.succeeded`.
    case stripe([String])
}

package struct WebhookTrigger: Sendable, Hashable {
    package enum Authentication: String, Sendable, Hashable, CaseIterable {
        case stripe, hmac, standardWebhooks = "standard-webhooks", bearer, none

        /// Whether a sender proves who it is by what it signs: the body.
        var signsBodies: Bool {
            switch self {
            case .stripe, .hmac, .standardWebhooks: true
            case .bearer, .none: false
            }
        }
    }

    package enum Answer: String, Sendable, Hashable, CaseIterable {
        case atOnce = "at-once", whenFinished = "when-finished", chunked
    }

    package var method: String
    package var authentication: Authentication
    /// The sender's id of a delivery, over `trigger`; nil: each delivery is a run.
    package var eventID: Expression?
    package var answer: Answer

    package init(method: String, authentication: Authentication, eventID: Expression?, answer: Answer) {
        self.method = method
        self.authentication = authentication
        self.eventID = eventID
        self.answer = answer
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.method == right.method && left.authentication == right.authentication && left.answer == right.answer
            && left.eventID?.text == right.eventID?.text
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(method)
        hasher.combine(authentication)
        hasher.combine(answer)
        hasher.combine(eventID?.text)
    }
}
