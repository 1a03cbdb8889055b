package import FlowEngine

/// What a Stripe key says about itself: its kind and its mode.
///
/// Holds no part of the secret.
package struct StripeKey: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// `pk_…`, shown in pages.
        case publishable
        /// `sk_…`, all rights.
        case secret
        /// `rk_…`, some rights.
        case restricted
    }

    package let kind: Kind
    package let mode: Mode

    private static let prefixes: [(prefix: String, kind: Kind, mode: Mode)] = [
        ("pk_test_", .publishable, .test), ("pk_live_", .publishable, .live),
        ("sk_test_", .secret, .test), ("sk_live_", .secret, .live),
        ("rk_test_", .restricted, .test), ("rk_live_", .restricted, .live),
    ]

    /// Reads kind and mode from the key's prefix; nil for a text that is not a key of Stripe.
    package init?(_ text: String) {
        guard let found = Self.prefixes.first(where: { text.hasPrefix($0.prefix) }) else { return nil }
        let rest = text.utf8.dropFirst(found.prefix.utf8.count)
        guard (3...480).contains(rest.count), rest.allSatisfy(Self.isKeyByte) else { return nil }
        kind = found.kind
        mode = found.mode
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
