/// What the value of a secret must look like, by the end of its name.
///
/// `<connection>.<test|live>.<secretKey|publishableKey|webhookSecret>` are Stripe's kinds, whatever the connection is
/// called. A key in the wrong place is the most expensive of typing mistakes: a secret key that is entered as the
/// publishable one is shown to every visitor, a live key that is entered as a test key moves money.
package enum SecretRule {
    /// The most bytes of a value; more does not fit into a header either.
    package static let bytesMax = 8 << 10

    private enum StripeKind: String {
        case secretKey
        case publishableKey
        case webhookSecret
    }

    /// Accepts a value for a name, or says which rule it breaks without quoting it.
    ///
    /// - Throws: `.unfitValue`.
    package static func check(_ secret: Secret, for name: SecretName) throws(SecretError) {
        let text = secret.reveal()
        let unfit = { (remedy: String) in SecretError(.unfitValue, subject: name.description, remedy: remedy) }
        guard !text.isEmpty else { throw unfit("the value is empty") }
        guard text.utf8.count <= bytesMax else { throw unfit("the value is longer than \(bytesMax) bytes") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw unfit("the value holds a line break or another control character")
        }
        guard text.utf8.first != 0x20, text.utf8.last != 0x20 else {
            throw unfit("the value begins or ends with a space")
        }
        let words = name.description.split(separator: ".")
        guard words.count >= 3, let mode = words.dropLast().last, mode == "test" || mode == "live",
            let kind = words.last.flatMap({ StripeKind(rawValue: String($0)) })
        else { return }
        try checkStripe(text, kind: kind, mode: String(mode), unfit: unfit)
    }

    private static func checkStripe(
        _ text: String,
        kind: StripeKind,
        mode: String,
        unfit: (String) -> SecretError
    ) throws(SecretError) {
        let prefixes =
            switch kind {
            case .secretKey: ["sk_\(mode)_", "rk_\(mode)_"]
            case .publishableKey: ["pk_\(mode)_"]
            case .webhookSecret: ["whsec_"]
            }
        // While a web hook's secret is rolled, both are valid; they are kept under one name, separated.
        let values = kind == .webhookSecret ? text.split { $0 == "," || $0 == " " }.map(String.init) : [text]
        for value in values {
            guard let prefix = prefixes.first(where: value.hasPrefix) else {
                let rule = "must start with \(prefixes.joined(separator: " or "))"
                throw unfit(knownKind(of: value).map { "\(rule); this is \($0)" } ?? rule)
            }
            guard isKeyText(value.dropFirst(prefix.count)) else {
                throw unfit("after \(prefix) letters, digits and none but the signs _ - + / = must follow")
            }
            // What is let in here must be a key where it is used.
            guard kind == .webhookSecret || StripeKey(value) != nil else {
                throw unfit("after \(prefix) three letters, digits or _ follow at least")
            }
        }
        guard !values.isEmpty, values.count <= 8 else { throw unfit("one to eight secrets may stand here") }
    }

    /// Names what a key is, by its public prefix; the key itself is not quoted.
    private static func knownKind(of text: String) -> String? {
        let kinds = [
            ("sk_test_", "a test mode secret key"), ("sk_live_", "a live mode secret key"),
            ("rk_test_", "a test mode restricted key"), ("rk_live_", "a live mode restricted key"),
            ("pk_test_", "a test mode publishable key"), ("pk_live_", "a live mode publishable key"),
            ("whsec_", "a web hook's signing secret"),
        ]
        return kinds.first { text.hasPrefix($0.0) }?.1
    }

    private static func isKeyText(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "_-+/=".utf8.contains(byte)
                }
            }
    }
}
