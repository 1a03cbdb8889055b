import Foundation
import Synchronization
import Testing

@testable import Connections

/// Keeps bytes in memory, as the store keeps them on disk, and can fail from a given save on.
private final class MemoryStorage: SecretStorage {
    struct Full: Error {}

    private let state = Mutex((bytes: [String: [UInt8]](), savesLeft: Int.max))

    func load(_ name: String) -> [UInt8]? { state.withLock { $0.bytes[name] } }

    func save(_ name: String, _ bytes: [UInt8]) throws {
        try state.withLock { state in
            guard state.savesLeft > 0 else { throw Full() }
            state.savesLeft -= 1
            state.bytes[name] = bytes
        }
    }

    func remove(_ name: String) -> Bool { state.withLock { $0.bytes.removeValue(forKey: name) != nil } }

    func names() -> [String] { state.withLock { Array($0.bytes.keys) } }

    func allowSaves(_ count: Int) { state.withLock { $0.savesLeft = count } }
}

private func expect(
    _ code: SecretError.Code,
    location: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async {
    let error = await #expect(throws: SecretError.self, sourceLocation: location) { try await body() }
    #expect(error?.code == code, sourceLocation: location)
}

@Suite("Secrets at rest")
struct SecretVaultTests {
    private let storage = MemoryStorage()
    private let key = MasterKey()
    private var vault: SecretVault { SecretVault(key: key, storage: storage) }
    private let name: SecretName
    private let secret = Secret("sk_test_abcDEF123")

    init() throws { name = try SecretName("stripe.test.secretKey") }

    @Test("a secret is what was set, and what is stored shows nothing of it")
    func roundTrip() async throws {
        try await vault.set(name, to: secret)
        #expect(try await vault.secret(name) == secret)
        #expect(try await vault.secret(SecretName("other")) == nil)
        #expect(try await vault.names() == [name])
        let stored = try #require(storage.load(name.description))
        #expect(stored.firstRange(of: Array("sk_test".utf8)) == nil)
        #expect(stored.firstRange(of: key.bytes) == nil)
        #expect(try await vault.remove(name))
        #expect(try await !vault.remove(name))
        #expect(try await vault.secret(name) == nil)
    }

    @Test("sealing twice gives different bytes", arguments: ["x", String(repeating: "é", count: 4_096)])
    func freshness(text: String) throws {
        let one = try SecretEnvelope.seal(Secret(text), name: name, key: key)
        let two = try SecretEnvelope.seal(Secret(text), name: name, key: key)
        #expect(one != two)
        #expect(try SecretEnvelope.open(two, name: name, key: key) == Secret(text))
    }

    @Test("another key is told as such, with both ids and the remedy")
    func wrongKey() async throws {
        try await vault.set(name, to: secret)
        let other = MasterKey()
        let error = await #expect(throws: SecretError.self) {
            try await SecretVault(key: other, storage: storage).all()
        }
        #expect(error?.code == .wrongKey)
        let text = "\(try #require(error))"
        #expect(text.contains("\(key.id)") && text.contains("\(other.id)") && text.contains("RUNNEL_KEY_FILE"))
    }

    @Test("one changed bit anywhere is found")
    func everyBit() async throws {
        let sealed = try SecretEnvelope.seal(secret, name: name, key: key)
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1 << UInt8(index % 8)
            let error = #expect(throws: SecretError.self) { try SecretEnvelope.open(changed, name: name, key: key) }
            switch index {
            case 4: #expect(error?.code == .unknownVersion)
            case 5..<13: #expect(error?.code == .wrongKey)
            default: #expect(error?.code == .corrupt, "byte \(index)")
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: SecretError.self) {
                try SecretEnvelope.open(Array(sealed.prefix(count)), name: name, key: key)
            }
        }
        await expect(.corrupt) { _ = try SecretEnvelope.open(sealed + [0], name: name, key: key) }
        await expect(.corrupt) {
            _ = try SecretEnvelope.open(Array(repeating: 0, count: 1 << 20), name: name, key: key)
        }
    }

    @Test("bytes moved to another name do not open")
    func swapped() async throws {
        let other = try SecretName("stripe.live.secretKey")
        try await vault.set(name, to: secret)
        try storage.save(other.description, #require(storage.load(name.description)))
        await expect(.corrupt) { _ = try await vault.secret(other) }
    }

    @Test("rotation carries every secret over, touches no secret's own bytes, and the old key opens nothing more")
    func rotation() async throws {
        let names = try ["a", "b", "c"].map { try SecretName($0) }
        for name in names { try await vault.set(name, to: Secret("text of \(name)")) }
        let before = storage.load("a")?.suffix(20)
        let newKey = MasterKey()
        #expect(try await vault.rotate(to: newKey) == 3)
        #expect(storage.load("a")?.suffix(20) == before)
        let rotated = SecretVault(key: newKey, storage: storage)
        for name in names { #expect(try await rotated.secret(name) == Secret("text of \(name)")) }
        await expect(.wrongKey) { _ = try await vault.secret(names[0]) }
        #expect(try await vault.rotate(to: newKey) == 0)
    }

    @Test("a rotation that breaks off after any step is finished by a second one", arguments: 0..<4)
    func interruptedRotation(saves: Int) async throws {
        let names = try ["a", "b", "c"].map { try SecretName($0) }
        for name in names { try await vault.set(name, to: Secret("text of \(name)")) }
        let newKey = MasterKey()
        storage.allowSaves(saves)
        if saves < 3 {
            await #expect(throws: MemoryStorage.Full.self) { try await vault.rotate(to: newKey) }
        } else {
            try await vault.rotate(to: newKey)
        }
        storage.allowSaves(.max)
        #expect(try await vault.rotate(to: newKey) == 3 - saves)
        let all = try await SecretVault(key: newKey, storage: storage).all()
        #expect(all == ["a": Secret("text of a"), "b": Secret("text of b"), "c": Secret("text of c")])
    }

    @Test("a server's secrets change together, and stay when reading anew fails")
    func unsealed() async throws {
        let unsealed = UnsealedSecrets()
        try await vault.set(name, to: secret)
        #expect(unsealed.secret(named: name.description) == nil)
        try await unsealed.reload(from: vault)
        #expect(unsealed.secret(named: name.description) == secret)
        await expect(.wrongKey) {
            try await unsealed.reload(from: SecretVault(key: MasterKey(), storage: storage))
        }
        #expect(unsealed.secret(named: name.description) == secret)
    }

    @Test("no way of printing shows a secret or a key")
    func printing() throws {
        var text = "\(secret) \(String(reflecting: secret)) \([secret]) \(["k": secret]) \(Optional(secret) as Any)"
        dump(secret, to: &text)
        dump((secret, key), to: &text)
        text += "\(key) \(String(reflecting: key)) \([key])"
        #expect(!text.contains("abcDEF123") && text.contains("••••"))
        #expect(!text.contains(Data(key.bytes).base64EncodedString().prefix(8)))
    }
}

@Suite("What a secret's value must look like")
struct SecretRuleTests {
    @Test(
        "a key of the right kind and mode is accepted",
        arguments: [
            ("stripe.test.secretKey", "sk_test_51H"), ("stripe.test.secretKey", "rk_test_51H"),
            ("stripe.live.secretKey", "sk_live_51H"), ("shop.live.secretKey", "rk_live_51H"),
            ("stripe.test.publishableKey", "pk_test_51H"), ("stripe.live.publishableKey", "pk_live_51H"),
            ("stripe.test.webhookSecret", "whsec_abc"), ("stripe.live.webhookSecret", "whsec_abc, whsec_d+/="),
            ("stock.token", "anything at all €"), ("stock.test.token", "sk_live_x"), ("secretKey", "x"),
        ]
    )
    func accepted(name: String, value: String) throws {
        try SecretRule.check(Secret(value), for: SecretName(name))
    }

    @Test(
        "a key of another kind or mode is refused with the rule, and is not quoted",
        arguments: [
            ("stripe.test.secretKey", "sk_live_SeCrEt", "sk_test_ or rk_test_; this is a live mode secret key"),
            ("stripe.live.secretKey", "rk_test_SeCrEt", "sk_live_ or rk_live_; this is a test mode restricted key"),
            ("stripe.test.secretKey", "pk_test_SeCrEt", "this is a test mode publishable key"),
            (
                "stripe.test.publishableKey", "sk_test_SeCrEt",
                "must start with pk_test_; this is a test mode secret key"
            ),
            ("stripe.live.publishableKey", "pk_test_SeCrEt", "must start with pk_live_"),
            ("stripe.test.webhookSecret", "SeCrEt", "must start with whsec_"),
            ("stripe.test.webhookSecret", "whsec_SeCrEt,sk_test_SeCrEt", "this is a test mode secret key"),
            ("stripe.test.webhookSecret", ", ,", "one to eight"),
            ("stripe.test.secretKey", "sk_test_", "after sk_test_"),
            ("stripe.test.secretKey", "sk_test_SeC rEt", "after sk_test_"),
            ("stripe.test.secretKey", "sk_test_SeCrEt\n", "line break"),
            ("stock.token", "SeCrEt\r\nX: 1", "line break"), ("stock.token", " SeCrEt", "space"),
            ("stock.token", "", "empty"),
        ]
    )
    func refused(name: String, value: String, rule: String) throws {
        let error = try #require(throws: SecretError.self) {
            try SecretRule.check(Secret(value), for: SecretName(name))
        }
        #expect(error.code == .unfitValue)
        #expect("\(error)".contains(rule) && "\(error)".hasPrefix(name))
        #expect(!"\(error)".lowercased().contains("secret\u{72}") && !"\(error)".contains("SeC"))
    }

    @Test("a value that does not fit is not stored")
    func vaultChecks() async throws {
        let storage = MemoryStorage()
        let vault = SecretVault(key: MasterKey(), storage: storage)
        await expect(.unfitValue) {
            try await vault.set(SecretName("stripe.test.secretKey"), to: Secret("sk_live_x"))
        }
        await expect(.unfitValue) {
            try await vault.set(SecretName("a"), to: Secret(String(repeating: "x", count: 8_193)))
        }
        #expect(storage.names().isEmpty)
    }

    @Test(
        "names are words joined by dots",
        arguments: ["", ".", "a.", ".a", "a..b", "1a", "a b", "a/b", "ä", "a\n", "-a"]
    )
    func names(text: String) async {
        await expect(.malformedName) { _ = try SecretName(text) }
        await expect(.malformedName) { _ = try SecretName(String(repeating: "a", count: 129)) }
    }
}

@Suite("The key file")
struct KeyFileTests {
    /// Runs `body` with an empty folder that is removed afterwards.
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("runnel-keys-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // A folder left behind harms nobody.
        try await body(folder.path)
    }

    private func mode(of path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("is made once, with mode 0600 in a folder of mode 0700, and read back")
    func creation() async throws {
        try await withFolder { folder in
            let file = KeyFile(path: folder + "/config/runnel/key-shop")
            await expect(.keyFileMissing) { _ = try file.read() }
            let key = MasterKey()
            try file.create(key)
            #expect(try mode(of: file.path) == 0o600)
            #expect(try mode(of: folder + "/config/runnel") == 0o700)
            #expect(try file.read().id == key.id)
            await expect(.keyFileExists) { try file.create(MasterKey()) }
            #expect(try file.read().id == key.id && file.readOrCreate().id == key.id)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder + "/config/runnel")
            #expect(left == ["key-shop"])
        }
    }

    @Test("is refused when others can read it", arguments: [0o640, 0o604, 0o660, 0o644, 0o610, 0o602])
    func exposed(mode: Int) async throws {
        try await withFolder { folder in
            let file = KeyFile(path: folder + "/key")
            try file.create(MasterKey())
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
            await expect(.keyFileExposed) { _ = try file.read() }
            await expect(.keyFileExposed) { _ = try file.readOrCreate() }
        }
    }

    @Test(
        "is refused when it holds anything but 32 bytes in base64",
        arguments: [
            "", "\n", "AAAA", "not base64 at all", String(repeating: "A", count: 44),
            String(repeating: "A", count: 5_000),
        ]
    )
    func malformed(text: String) async throws {
        try await withFolder { folder in
            let file = KeyFile(path: folder + "/key")
            #expect(
                FileManager.default.createFile(
                    atPath: file.path,
                    contents: Data(text.utf8),
                    attributes: [.posixPermissions: 0o600]
                )
            )
            await expect(.keyFileMalformed) { _ = try file.read() }
        }
    }

    @Test("is no folder, no pipe and no place that cannot be written")
    func unusable() async throws {
        try await withFolder { folder in
            await expect(.keyFileUnusable) { _ = try KeyFile(path: folder).read() }
            #expect(mkfifo(folder + "/pipe", 0o600) == 0)
            await expect(.keyFileUnusable) { _ = try KeyFile(path: folder + "/pipe").read() }
            await expect(.keyFileUnusable) { try KeyFile(path: "/proc/none/key").create(MasterKey()) }
        }
    }

    @Test("takes the old one's place at the end of a rotation")
    func replacement() async throws {
        try await withFolder { folder in
            let (old, new) = (KeyFile(path: folder + "/key"), KeyFile(path: folder + "/key.next"))
            let key = MasterKey()
            let before = MasterKey()
            try old.create(before)
            try new.create(key)
            let kept = try new.replace(old)
            #expect(try old.read().id == key.id)
            #expect(kept.path == "\(folder)/key.\(before.id)")
            #expect(try kept.read().id == before.id, "what a backup holds can be opened still")
            await expect(.keyFileMissing) { _ = try new.read() }
        }
    }

    @Test("ten that make it at once get one key")
    func race() async throws {
        try await withFolder { folder in
            let file = KeyFile(path: folder + "/key")
            let ids = try await withThrowingTaskGroup(of: MasterKey.ID.self) { group in
                for _ in 0..<10 { group.addTask { try file.readOrCreate().id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test("lies where the environment says, else in the user's configuration, by the app's path")
    func location() async throws {
        try await withFolder { folder in
            let app = folder + "/apps/my shop"
            let home = ["HOME": folder + "/home"]
            let standard = try KeyFile(appFolder: app, environment: home).path
            #expect(standard.hasPrefix(folder + "/home/.config/runnel/key-my-shop-"))
            #expect(try KeyFile(appFolder: app + "/../my shop/.", environment: home).path == standard)
            #expect(try KeyFile(appFolder: folder + "/other/my shop", environment: home).path != standard)
            let xdg = home.merging(["XDG_CONFIG_HOME": folder + "/xdg"]) { $1 }
            #expect(try KeyFile(appFolder: app, environment: xdg).path.hasPrefix(folder + "/xdg/runnel/key-my-shop-"))
            let relative = home.merging(["XDG_CONFIG_HOME": "xdg"]) { $1 }
            #expect(try KeyFile(appFolder: app, environment: relative).path == standard)
            let chosen = xdg.merging(["RUNNEL_KEY_FILE": "/run/secrets/key"]) { $1 }
            #expect(try KeyFile(appFolder: app, environment: chosen).path == "/run/secrets/key")
            await expect(.keyFileMisplaced) { _ = try KeyFile(appFolder: app, environment: [:]) }
        }
    }

    @Test("never lies inside the app, by no way of writing it")
    func outside() async throws {
        try await withFolder { folder in
            let app = folder + "/shop"
            try FileManager.default.createDirectory(atPath: app, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: app)
            for path in [app + "/key", app + "/a/../key", folder + "/link/key", folder + "/x/../shop/key"] {
                await expect(.keyFileMisplaced) {
                    _ = try KeyFile(appFolder: app, environment: ["RUNNEL_KEY_FILE": path])
                }
            }
            await expect(.keyFileMisplaced) { _ = try KeyFile(appFolder: folder, environment: ["HOME": app]) }
            #expect(try KeyFile(appFolder: app, environment: ["RUNNEL_KEY_FILE": app + "-key"]).path == app + "-key")
        }
    }
}
