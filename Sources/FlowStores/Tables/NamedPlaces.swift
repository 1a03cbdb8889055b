import Expressions

/// What has a name of its own among others: a few are searched in line, which beats hashing their names.
struct NamedPlaces<Content: Sendable>: Sendable {
    private static var linearLimit: Int { 16 }

    private var names: [String] = []
    private var contents: [Content] = []
    private var places: [String: Int] = [:]

    /// Adds what has a name that is not there yet.
    mutating func add(_ content: Content, named name: String) {
        places[name] = contents.count
        names.append(name)
        contents.append(content)
    }

    subscript(name: String) -> Content? {
        if names.count <= Self.linearLimit {
            for place in names.indices where names[place].hasSameScalars(as: name) { return contents[place] }
            return nil
        }
        return places[name].map { contents[$0] }
    }
}
