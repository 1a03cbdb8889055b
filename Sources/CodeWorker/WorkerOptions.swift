import CodeFrames

/// What the worker is started with: the memory budget in MiB, and in test builds the walls to leave out.
struct WorkerOptions {
    var budget: UInt64 = 128 << 20
    /// Test builds: walls that are not put up.
    var without: Set<Wall> = []
    /// Test builds: run code though the self-test found walls missing.
    var isUnproved = false

    init(_ words: [String]) {
        for word in words {
            if let megabytes = UInt64(word), (32...4_096).contains(megabytes) { budget = megabytes << 20 }
            #if DEBUG
                if word == "unproved" { isUnproved = true }
                if word.hasPrefix("without=") {
                    without = Set(word.dropFirst(8).split(separator: ",").compactMap { Wall(rawValue: String($0)) })
                }
            #endif
        }
    }

    func has(_ wall: Wall) -> Bool { !without.contains(wall) }
}
