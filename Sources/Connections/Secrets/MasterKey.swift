import Crypto
import Foundation

/// The key of an app's secrets: 32 random bytes, kept in a file outside the app, that wrap each secret's own key.
package struct MasterKey: Sendable {
    /// Names a key without giving it away: 8 bytes derived from it one way.
    package struct ID: Sendable, Hashable, CustomStringConvertible {
        static let byteCount = 8
        let bytes: [UInt8]

        /// Sixteen hexadecimal digits.
        package var description: String { hexadecimal(bytes) }
    }

    static let byteCount = 32

    /// Which key this is.
    package let id: ID
    /// Wraps data keys; the file's bytes themselves encrypt nothing.
    let wrapping: SymmetricKey
    private let root: SymmetricKey

    /// A new key from the system's generator for cryptography.
    package init() {
        self.init(root: SymmetricKey(size: .bits256))
    }

    /// The key of the given bytes; nil unless there are 32.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(root: SymmetricKey(data: bytes))
    }

    private init(root: SymmetricKey) {
        self.root = root
        let derive = { (purpose: String, count: Int) in
            HKDF<SHA256>.deriveKey(inputKeyMaterial: root, info: Data(purpose.utf8), outputByteCount: count)
        }
        wrapping = derive("runnel secrets v1: wrap", 32)
        id = ID(bytes: derive("runnel secrets v1: id", ID.byteCount).withUnsafeBytes { Array($0) })
    }

    /// The bytes for the key file; nothing else may see them.
    var bytes: [UInt8] { root.withUnsafeBytes { Array($0) } }
}

extension MasterKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The key's id.
    package var description: String { "key \(id)" }

    /// The key's id.
    package var debugDescription: String { description }

    /// Shows no content.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Lower-case hexadecimal digits, two for each byte.
func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
    return String(unsafeUninitializedCapacity: 2 * bytes.count) { digits in
        for (place, byte) in bytes.enumerated() {
            digits[2 * place] = digit(byte >> 4)
            digits[2 * place + 1] = digit(byte & 15)
        }
        return 2 * bytes.count
    }
}
