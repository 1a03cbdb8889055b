/// A node of a YAML file with its place, as UTF-8 offsets.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLPair])
        /// Something that was reported already (a tag, a value cut by a comment): readers pass over it in silence.
        case unreadable
    }

    var content: Content
    /// From the first character of the node (the quote, the `|`) to just behind its last.
    var range: Range<Int>
    /// Written as `{ … }` or `[ … ]`.
    var isFlowStyle = false

    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var isUnreadable: Bool {
        if case .unreadable = content { true } else { false }
    }

    /// What findings call it.
    var kindName: String {
        switch content {
        case .scalar(let scalar):
            if scalar.text.isEmpty, scalar.style == .plain { "nothing" } else { scalar.resolved.kindName }
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .unreadable: "something unreadable"
        }
    }
}

struct YAMLPair: Sendable {
    var key: YAMLNode
    var value: YAMLNode

    /// The key's text; keys other than scalars are refused by the parser.
    var name: String { key.scalar?.text ?? "" }
}

struct YAMLScalar: Sendable {
    enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    var text: String
    var style: Style
}
