/// What the checker knows of a value before it exists.
package indirect enum ExpressionType: Sendable, Hashable {
    /// Anything: checked when it is there.
    case dynamic
    case null
    case bool
    case int
    case uint
    case double
    case string
    case bytes
    case timestamp
    case duration
    case type
    case list(ExpressionType)
    case map(ExpressionType, ExpressionType)
    case optional(ExpressionType)
    /// A map whose fields are declared.
    case record(RecordType)
    /// A plain value of which a declaration says more than its type.
    ///
    /// Computed with as the plain type is: the facets only make more mistakes known.
    case declared(ExpressionType, Facets)

    /// What a declaration says of a value besides its type.
    package struct Facets: Sendable, Hashable {
        /// A decimal number that is carried as text.
        package enum Decimal: Sendable, Hashable {
            /// One text for each number.
            case canonical
            /// As it came: `12.5` and `12.50` are two texts.
            case asWritten
        }

        package var isNullable: Bool
        package var decimal: Decimal?
        /// The only texts; empty when there may be any.
        package var allowed: [String]

        package init(isNullable: Bool = false, decimal: Decimal? = nil, allowed: [String] = []) {
            self.isNullable = isNullable
            self.decimal = decimal
            self.allowed = allowed
        }

        static let none = Facets()

        /// What is known of a value that is declared in one of the two ways.
        func merged(with other: Facets) -> Facets {
            let isDecimal = decimal != nil || other.decimal != nil
            let isCanonical = decimal == .canonical && other.decimal == .canonical
            let isLimited = !allowed.isEmpty && !other.allowed.isEmpty
            return Facets(
                isNullable: isNullable || other.isNullable,
                decimal: isDecimal ? isCanonical ? .canonical : .asWritten : nil,
                allowed: isLimited ? allowed + other.allowed.filter { !allowed.contains($0) } : []
            )
        }
    }

    /// The type with what a declaration says besides; what may be anything stays so.
    package func declared(_ facets: Facets) -> ExpressionType {
        self == .dynamic || facets == .none ? self : .declared(self, facets)
    }

    /// The type without what a declaration says besides.
    package var plain: ExpressionType { if case .declared(let type, _) = self { type } else { self } }

    package var isNullable: Bool { if case .declared(_, let facets) = self { facets.isNullable } else { false } }
}

/// A map with declared fields: a flow's inputs, a table's row, a block's output, the blocks themselves.
package struct RecordType: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package enum Presence: String, Sendable, Hashable {
            /// Selected with a plain dot.
            case always
            /// May be missing: selected with `.?`, which gives an optional.
            case sometimes
            /// Known and not to be had here; the note says why.
            case unavailable
        }

        package var type: ExpressionType
        package var presence: Presence
        /// Why the field is not always there, shown in the finding.
        package var note: String?

        package init(_ type: ExpressionType, presence: Presence = .always, note: String? = nil) {
            self.type = type
            self.presence = presence
            self.note = note
        }
    }

    /// How messages name the record: `orders`, `blocks`.
    package var name: String
    package var fields: [String: Field]
    /// Whether other fields may be there; they are dynamic.
    ///
    /// In a closed record an unknown field is a finding.
    package var isOpen: Bool

    package init(name: String, fields: [String: Field], isOpen: Bool = false) {
        self.name = name
        self.fields = fields
        self.isOpen = isOpen
    }
}

extension ExpressionType: CustomStringConvertible {
    /// As the flow language and CEL write it: `int`, `list(string)`, a record by its name.
    package var description: String {
        switch self {
        case .dynamic: "dyn"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key),\(value))"
        case .optional(let wrapped): "optional_type(\(wrapped))"
        case .record(let record): record.name
        case .declared(let type, let facets):
            "\(facets.decimal == nil ? type.description : "decimal")\(facets.isNullable ? " or null" : "")"
        }
    }
}

/// What an expression may name, and how large it may be.
package struct Declarations: Sendable {
    package struct Variable: Sendable, Hashable {
        /// An identifier, or several joined with dots.
        package var name: String
        package var type: ExpressionType

        package init(_ name: String, _ type: ExpressionType) {
            self.name = name
            self.type = type
        }
    }

    /// The variables; a variable's position is the slot that `EvaluationScope` is asked for.
    package var variables: [Variable]
    package var limits: ExpressionLimits
    /// CEL's container: names are looked for inside it first.
    ///
    /// Empty in flows.
    package var container: String
    /// Further functions, known to the checker alone.
    package var functions: [FunctionSignature]
    /// Whether type mistakes are findings.
    ///
    /// Unchecked expressions meet them when they are evaluated.
    package var isChecked: Bool

    package init(
        _ variables: [Variable] = [],
        limits: ExpressionLimits = .standard,
        container: String = "",
        functions: [FunctionSignature] = [],
        isChecked: Bool = true
    ) {
        self.variables = variables
        self.limits = limits
        self.container = container
        self.functions = functions
        self.isChecked = isChecked
    }

    package init(variables: [Variable], limits: ExpressionLimits = .standard) {
        self.init(variables, limits: limits)
    }
}
