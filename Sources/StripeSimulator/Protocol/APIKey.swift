import Foundation

/// A key as a caller sends it; what it may do follows from its prefix.
struct APIKey: Sendable, Equatable {
    enum Kind: Sendable { case secret, restricted, publishable }

    let kind: Kind
    let livemode: Bool

    /// Reads a key.
    ///
    /// Any secret, restricted or publishable key of the right form is taken; all of one mode share an account.
    init?(_ text: String) {
        let parts = text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty, text.utf8.count <= 255,
            parts[2].utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "_")
            })
        else { return nil }
        switch parts[0] {
        case "sk": kind = .secret
        case "rk": kind = .restricted
        case "pk": kind = .publishable
        default: return nil
        }
        switch parts[1] {
        case "test": livemode = false
        case "live": livemode = true
        default: return nil
        }
    }

    private init(kind: Kind, livemode: Bool) {
        self.kind = kind
        self.livemode = livemode
    }

    /// The right of the simulator's own pages.
    static func page(livemode: Bool) -> APIKey { APIKey(kind: .secret, livemode: livemode) }

    /// Finds the key in a request: bearer token, the user of basic authentication, or (publishable) the form's `key`.
    static func find(authorization: String?, formKey: String?) throws(StripeError) -> APIKey {
        let text: String
        if let authorization {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            switch (parts.first?.lowercased(), parts.count) {
            case ("bearer", 2): text = String(parts[1])
            case ("basic", 2):
                let decoded = Data(base64Encoded: String(parts[1])).flatMap { String(data: $0, encoding: .utf8) }
                text = decoded.map { String($0.prefix { $0 != ":" }) } ?? ""
            default: text = ""
            }
        } else {
            text = formKey ?? ""
        }
        guard !text.isEmpty else {
            throw StripeError(
                status: 401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                    + "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api"
                    + "#authentication for details, or we can help at https://support.stripe.com/."
            )
        }
        guard let key = APIKey(text), authorization != nil || key.kind == .publishable else {
            throw StripeError(status: 401, "Invalid API Key provided: \(masked(text))")
        }
        return key
    }

    /// The key with all but its prefix and last four characters hidden, as Stripe prints it.
    private static func masked(_ text: String) -> String {
        guard text.count > 12 else { return String(repeating: "*", count: text.count) }
        let prefix = text.hasPrefix("sk_") || text.hasPrefix("pk_") || text.hasPrefix("rk_") ? text.prefix(8) : ""
        return prefix + String(repeating: "*", count: min(64, text.count - prefix.count - 4)) + text.suffix(4)
    }
}

/// A dated version of the API: `2026-08-26.dahlia`.
struct APIVersion: Sendable, Hashable, Comparable {
    let text: String

    init?(_ text: String) {
        let date = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= 40, date.count == 3, date.map(\.count) == [4, 2, 2],
            date.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            text.count == 10 || text.dropFirst(10).first == "."
        else { return nil }
        self.text = text
    }

    private init(known text: String) { self.text = text }

    private var date: Substring { text.prefix(10) }

    static func < (left: APIVersion, right: APIVersion) -> Bool { left.date < right.date }

    /// A PaymentIntent has `latest_charge` and no list of charges.
    static let latestCharge = APIVersion(known: "2022-11-15")
    /// Payment methods of the dashboard are the default of a PaymentIntent.
    static let automaticPaymentMethods = APIVersion(known: "2023-08-16")
    /// Capture is asynchronous by default.
    static let asynchronousCapture = APIVersion(known: "2024-04-10")
    /// Invoices and subscriptions took their present shape.
    static let basil = APIVersion(known: "2025-03-31.basil")
    static let clover = APIVersion(known: "2025-09-30.clover")
    /// `payment_method_types` may not be sent any more.
    static let endive = APIVersion(known: "2026-09-30.endive")
    /// The version of an account unless configured.
    static let dahlia = APIVersion(known: "2026-08-26.dahlia")
}
