/// All objects of one kind, newest last.
struct ObjectTable: Sendable, Equatable {
    private var rows: [String: JSONObject] = [:]
    private var positions: [String: Int] = [:]
    private var order: [String?] = []

    var count: Int { rows.count }

    subscript(id: String) -> JSONObject? {
        get { rows[id] }
        set {
            guard let newValue else {
                rows[id] = nil
                if let position = positions.removeValue(forKey: id) { order[position] = nil }
                return
            }
            if rows.updateValue(newValue, forKey: id) == nil {
                positions[id] = order.count
                order.append(id)
            }
        }
    }

    /// Changes an object in place.
    mutating func update(_ id: String, _ change: (inout JSONObject) -> Void) {
        guard let index = rows.index(forKey: id) else { return }
        change(&rows.values[index])
    }

    /// The position of an object in the order of creation; later objects have larger ones.
    func position(of id: String) -> Int? { positions[id] }

    /// Objects from the newest to the oldest.
    var newestFirst: some Sequence<JSONObject> { order.lazy.reversed().compactMap { id in id.flatMap { rows[$0] } } }

    /// Objects from the oldest to the newest.
    var oldestFirst: some Sequence<JSONObject> { order.lazy.compactMap { id in id.flatMap { rows[$0] } } }

    /// Objects created before (`older`) or after the one at a position, nearest first.
    func beside(_ position: Int, older: Bool) -> any Sequence<JSONObject> {
        let row = { (id: String?) in id.flatMap { rows[$0] } }
        return older
            ? order[..<position].lazy.reversed().compactMap(row) : order[(position + 1)...].lazy.compactMap(row)
    }
}
