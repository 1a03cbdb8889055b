import Foundation

/// The data under `../shared/data`, or where `RUNNEL_SHARED` says; tests that need it are skipped where it is absent.
enum SharedVectors {
    static func url(_ path: String) -> URL {
        let folder = ProcessInfo.processInfo.environment["RUNNEL_SHARED"] ?? "../shared"
        return URL(fileURLWithPath: folder).appendingPathComponent("data/\(path)")
    }

    static func exist(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: url(path).path)
    }

    static func bytes(_ path: String) -> [UInt8] {
        (try? Data(contentsOf: url(path))).map(Array.init) ?? []  // Absent: the test is skipped by its condition.
    }
}
