import Foundation

/// How much a proof does: a few minutes in CI, hours in `make soak`, which sets `RUNNEL_PROOFS=large`.
enum ProofSize {
    static let isLarge = ProcessInfo.processInfo.environment["RUNNEL_PROOFS"] == "large"

    static func of(_ small: Int, large: Int) -> Int { isLarge ? large : small }
}
