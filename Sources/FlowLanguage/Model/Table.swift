package import Expressions

/// A table of the app, or one that a feature brings (`isSystem`): then flows may read it, not write it.
///
/// `id` (int, assigned), and for system tables `createdAt` and `updatedAt` (timestamp), are built in and not listed
/// among `columns`.
package struct Table: Sendable, Hashable {
    package var name: String
    package var columns: [Column]
    package var access: TableAccess
    package var isSystem: Bool
    /// Indexes beside those of unique columns and of references: over several columns, over a part of the rows, by owner.
    package var indexes: [TableIndex]

    package init(
        name: String,
        columns: [Column],
        access: TableAccess = TableAccess(),
        isSystem: Bool = false,
        indexes: [TableIndex] = []
    ) {
        self.name = name
        self.columns = columns
        self.access = access
        self.isSystem = isSystem
        self.indexes = indexes
    }

    package func column(named name: String) -> Column? { columns.first { $0.name == name } }
}

/// A column; never null unless `isOptional`.
package struct Column: Sendable, Hashable {
    package var name: String
    package var type: ColumnType
    package var isOptional: Bool
    package var isUnique: Bool
    /// A checked constant of the column's type.
    package var defaultValue: Value?
    /// The only values a string column takes; empty when it takes any.
    package var allowed: [String]
    package var min: Int64?
    package var max: Int64?
    /// In Unicode scalars for `string`, in bytes for `bytes` and `json`.
    package var maxLength: Int?
    /// The table whose `id` an `int` column names.
    package var references: String?

    package init(
        name: String,
        type: ColumnType,
        isOptional: Bool = false,
        isUnique: Bool = false,
        defaultValue: Value? = nil,
        allowed: [String] = [],
        min: Int64? = nil,
        max: Int64? = nil,
        maxLength: Int? = nil,
        references: String? = nil
    ) {
        self.name = name
        self.type = type
        self.isOptional = isOptional
        self.isUnique = isUnique
        self.defaultValue = defaultValue
        self.allowed = allowed
        self.min = min
        self.max = max
        self.maxLength = maxLength
        self.references = references
    }
}

/// The types of columns and inputs.
///
/// `decimal` is carried as text in canonical form, `json` as any value.
package enum ColumnType: String, Sendable, Hashable, CaseIterable {
    case int, string, bool, double, decimal, timestamp, json, bytes

    /// What an expression sees.
    package var expressionType: ExpressionType {
        switch self {
        case .int: .int
        case .string, .decimal: .string
        case .bool: .bool
        case .double: .double
        case .timestamp: .timestamp
        case .json: .dynamic
        case .bytes: .bytes
        }
    }

    /// What an expression sees of a value that is declared so; the stores alone make decimals canonical.
    func declaredType(isNullable: Bool, isStored: Bool = false, allowed: [String]) -> ExpressionType {
        let decimal: ExpressionType.Facets.Decimal? =
            self == .decimal ? isStored ? .canonical : .asWritten : nil
        return expressionType.declared(.init(isNullable: isNullable, decimal: decimal, allowed: allowed))
    }
}

/// Who may read a table from outside, as roles; `admin` always may.
///
/// `owner` names the column that holds the caller's id for every other role.
package struct TableAccess: Sendable, Hashable {
    package var read: [String]
    package var subscribe: [String]
    package var owner: String?

    package init(read: [String] = [], subscribe: [String] = [], owner: String? = nil) {
        self.read = read
        self.subscribe = subscribe
        self.owner = owner
    }
}

/// An index over `columns`; with `when`, only over rows whose column holds one of the values.
package struct TableIndex: Sendable, Hashable {
    package var columns: [String]
    package var isUnique: Bool
    package var when: Condition?

    package struct Condition: Sendable, Hashable {
        package var column: String
        package var values: [String]

        package init(column: String, values: [String]) {
            self.column = column
            self.values = values
        }
    }

    package init(columns: [String], isUnique: Bool, when: Condition? = nil) {
        self.columns = columns
        self.isUnique = isUnique
        self.when = when
    }
}
