/// Why a secret or the key file could not be used; quotes no secret, ever.
package struct SecretError: Error, Hashable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// There is no key file at the path.
        case keyFileMissing
        /// A key file is there already; nothing was changed.
        case keyFileExists
        /// Others than its owner may read or change the key file, or it belongs to another user.
        case keyFileExposed
        /// The key file does not hold 32 bytes in base64.
        case keyFileMalformed
        /// The key file's path lies inside the app's folder, or cannot be formed.
        case keyFileMisplaced
        /// The system refused to read or write the key file.
        case keyFileUnusable
        /// The secret is sealed under another key than the one at hand.
        case wrongKey
        /// The sealed bytes were changed, cut, or belong to another name.
        case corrupt
        /// The sealed bytes were written by a later version of Runnel.
        case unknownVersion
        /// The name is not one that a secret may have.
        case malformedName
        /// The value does not follow the rule for its name.
        case unfitValue
    }

    /// What went wrong.
    package let code: Code
    /// The secret's name or the key file's path; empty where neither is known.
    package let subject: String
    /// What is expected and what to do, in a sentence.
    package let remedy: String

    package init(_ code: Code, subject: String, remedy: String) {
        self.code = code
        self.subject = subject
        self.remedy = remedy
    }

    /// Subject and remedy: `stripe.test.secretKey: …`.
    package var description: String { subject.isEmpty ? remedy : "\(subject): \(remedy)" }
}
