/// Why a signed message is not accepted.
///
/// Quotes neither the message nor the signature.
package struct SignatureError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The header is not of the scheme's form, has no time stamp, or is too long.
        case malformedHeader
        /// No signature of the version that is looked at.
        case noKnownSignature
        /// No signature was made with any of the secrets over these bytes.
        case mismatch
        /// Rightly signed, but longer ago than allowed: possibly recorded and sent again.
        case tooOld
        /// Rightly signed, but stamped further in the future than clocks may differ.
        case inTheFuture
        /// The secret is not of the scheme's form; the configuration is at fault, not the sender.
        case malformedSecret
    }

    /// What is wrong.
    package let code: Code

    package init(_ code: Code) {
        self.code = code
    }

    /// A sentence for the log and the answer.
    package var description: String {
        switch code {
        case .malformedHeader: "the signature header is missing or malformed"
        case .noKnownSignature: "the signature header holds no signature of a known version"
        case .mismatch: "no signature matches the body"
        case .tooOld: "the signature is too old"
        case .inTheFuture: "the signature is stamped in the future"
        case .malformedSecret: "the signing secret is not of the expected form"
        }
    }
}

/// Checks a signature's time stamp against the present, to both sides.
///
/// A sender's clock may be ahead as well as behind; a stamp far in the future is refused because it would stay valid
/// for as long as it is ahead.
func checkTimeStamp(_ stamp: Int64, now: Int64, tolerance: Duration?) throws(SignatureError) {
    guard let tolerance else { return }
    let (age, isOverflow) = now.subtractingReportingOverflow(stamp)
    guard !isOverflow else { throw SignatureError(stamp < now ? .tooOld : .inTheFuture) }
    if age > tolerance.components.seconds { throw SignatureError(.tooOld) }
    if age < -tolerance.components.seconds { throw SignatureError(.inTheFuture) }
}

/// A count of seconds written in plain decimal digits, at most twelve; nil for anything else.
func timeStamp(_ text: some StringProtocol) -> Int64? {
    guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int64(text)
}
