import Crypto
import Foundation

/// The form in which a secret is stored.
///
/// Each secret is encrypted by a key of its own (AES-256-GCM), which is encrypted by the app's ``MasterKey``. So the
/// master key can be replaced without touching a secret's text, and no two secrets share a key.
///
///     magic "RNSV" · version 1 · master key's id (8) · wrapped key: nonce 12, text 32, tag 16 · secret: nonce 12, text, tag 16
///
/// The secret's name is authenticated in both layers: bytes that are moved from one name to another do not open.
package enum SecretEnvelope {
    private static let magic = Array("RNSV".utf8)
    private static let version: UInt8 = 1
    private static let headBytes = 5 + MasterKey.ID.byteCount
    private static let sealBytes = 12 + 16
    private static let wrappedBytes = sealBytes + 32

    /// The most bytes of an envelope; what is larger was not written here.
    private static let bytesMax = headBytes + wrappedBytes + sealBytes + SecretRule.bytesMax

    /// Seals a secret under a fresh key of its own.
    ///
    /// Two calls never give the same bytes.
    ///
    /// - Throws: `.unfitValue` for a text longer than `SecretRule.bytesMax`.
    package static func seal(_ secret: Secret, name: SecretName, key: MasterKey) throws(SecretError) -> [UInt8] {
        let text = Array(secret.reveal().utf8)
        guard text.count <= SecretRule.bytesMax else {
            throw SecretError(.unfitValue, subject: name.description, remedy: "the value is too long")
        }
        let dataKey = SymmetricKey(size: .bits256)
        let wrapped = try encrypt(dataKey.withUnsafeBytes { Array($0) }, with: key.wrapping, layer: .key, name: name)
        let sealed = try encrypt(text, with: dataKey, layer: .secret, name: name)
        return magic + [version] + key.id.bytes + wrapped + sealed
    }

    /// Opens what ``seal(_:name:key:)`` made for the same name.
    ///
    /// - Throws: `.wrongKey` if another key sealed it; `.corrupt`; `.unknownVersion`.
    package static func open(_ bytes: [UInt8], name: SecretName, key: MasterKey) throws(SecretError) -> Secret {
        let dataKey = try dataKey(of: bytes, name: name, key: key)
        let sealed = bytes[(headBytes + wrappedBytes)...]
        let text = try decrypt(sealed, with: dataKey, layer: .secret, name: name)
        guard let text = String(validating: text, as: UTF8.self) else { throw corrupt(name) }
        return Secret(text)
    }

    /// Wraps the secret's own key under another master key; the secret itself is carried over as it is.
    ///
    /// - Throws: as ``open(_:name:key:)``.
    package static func rewrap(
        _ bytes: [UInt8],
        name: SecretName,
        from old: MasterKey,
        to new: MasterKey
    ) throws(SecretError) -> [UInt8] {
        let dataKey = try dataKey(of: bytes, name: name, key: old)
        let wrapped = try encrypt(dataKey.withUnsafeBytes { Array($0) }, with: new.wrapping, layer: .key, name: name)
        return magic + [version] + new.id.bytes + wrapped + bytes[(headBytes + wrappedBytes)...]
    }

    /// Which master key sealed the bytes; nothing is decrypted.
    ///
    /// - Throws: `.corrupt`; `.unknownVersion`.
    package static func keyID(of bytes: [UInt8], name: SecretName) throws(SecretError) -> MasterKey.ID {
        guard bytes.count > 5, bytes.starts(with: magic) else { throw corrupt(name) }
        guard bytes[4] == version else {
            let remedy = "sealed in format \(bytes[4]), which this version of runnel does not know"
            throw SecretError(.unknownVersion, subject: name.description, remedy: remedy)
        }
        guard bytes.count >= headBytes + wrappedBytes + sealBytes, bytes.count <= bytesMax else { throw corrupt(name) }
        return MasterKey.ID(bytes: Array(bytes[5..<headBytes]))
    }

    private static func dataKey(
        of bytes: [UInt8],
        name: SecretName,
        key: MasterKey
    ) throws(SecretError) -> SymmetricKey {
        let id = try keyID(of: bytes, name: name)
        guard id == key.id else {
            let remedy =
                "sealed under key \(id), but the key file holds key \(key.id); point RUNNEL_KEY_FILE to the right one "
                + "(a rotation keeps the old one beside the new, its id at the end of its name)"
            throw SecretError(.wrongKey, subject: name.description, remedy: remedy)
        }
        let wrapped = bytes[headBytes..<(headBytes + wrappedBytes)]
        return SymmetricKey(data: try decrypt(wrapped, with: key.wrapping, layer: .key, name: name))
    }

    /// Told apart in the authenticated data, so that one layer's bytes are never taken for the other's.
    private enum Layer: String {
        case key
        case secret
    }

    private static func authenticated(_ layer: Layer, _ name: SecretName) -> Data {
        Data("runnel secret v\(version) \(layer.rawValue) \(name)".utf8)
    }

    private static func encrypt(
        _ text: [UInt8],
        with key: SymmetricKey,
        layer: Layer,
        name: SecretName
    ) throws(SecretError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(text, using: key, authenticating: authenticated(layer, name))
            return Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
        } catch {
            throw SecretError(.corrupt, subject: name.description, remedy: "could not be sealed")
        }
    }

    private static func decrypt(
        _ bytes: ArraySlice<UInt8>,
        with key: SymmetricKey,
        layer: Layer,
        name: SecretName
    ) throws(SecretError) -> [UInt8] {
        do {
            let box = try AES.GCM.SealedBox(combined: Data(bytes))
            return Array(try AES.GCM.open(box, using: key, authenticating: authenticated(layer, name)))
        } catch {
            throw corrupt(name)
        }
    }

    private static func corrupt(_ name: SecretName) -> SecretError {
        let remedy = "the stored bytes were changed or belong to another name; set the secret again"
        return SecretError(.corrupt, subject: name.description, remedy: remedy)
    }
}
