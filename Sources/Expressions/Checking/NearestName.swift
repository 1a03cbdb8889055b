/// The known name that was most likely meant: at most a third of its letters differ.
func nearestName(to name: String, among known: some Sequence<String>) -> String? {
    let letters = Array(name.lowercased().utf8)
    guard letters.count <= 64 else { return nil }
    var best: (name: String, distance: Int)?
    for candidate in known.sorted() where candidate != name {
        let other = Array(candidate.lowercased().utf8)
        guard other.count <= 64 else { continue }
        let distance = editDistance(letters, other)
        if distance <= max(1, max(letters.count, other.count) / 3), distance < best?.distance ?? .max {
            best = (candidate, distance)
        }
    }
    return best?.name
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let change = previous[column] + (left[row] == right[column] ? 0 : 1)
            var least = min(change, previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                least = min(least, beforePrevious[column - 1] + 1)
            }
            current.append(least)
        }
        beforePrevious = previous
        previous = current
    }
    return previous[right.count]
}
