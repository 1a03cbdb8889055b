import Foundation

@testable import StripeSimulator

/// The data to check against, where it is there: `RUNNEL_SHARED`, else `../shared/data` from the project's root.
enum SharedData {
    static let root: String? = {
        let given = ProcessInfo.processInfo.environment["RUNNEL_SHARED"]
        let beside = FileManager.default.currentDirectoryPath + "/../shared/data"
        return [given, given.map { $0 + "/data" }, beside].compactMap { $0 }
            .first { FileManager.default.fileExists(atPath: $0 + "/stripe/recorded-exchanges.json") }
    }()

    static var isThere: Bool { root != nil }

    static func json(_ path: String) -> JSONValue? {
        guard let root, let data = FileManager.default.contents(atPath: root + "/stripe/" + path) else { return nil }
        return try? JSONParser.value(of: Array(data))
    }

    static let types: JSONObject? = json("stripe-types-dahlia-2026-07-29.json")?.object
}
