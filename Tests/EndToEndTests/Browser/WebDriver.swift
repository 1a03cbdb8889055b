import Expressions
import Foundation
import HTTPTransport
import Testing

/// Chromium, driven as the W3C's WebDriver says: Debian's `chromium` and `chromium-driver`, nothing in between.
final class WebDriver {
    /// Where both are, or nil: then tests that need a browser are skipped by name.
    static let isInstalled = ["/usr/bin/chromium", "/usr/bin/chromedriver"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let process: Process
    private let client: HTTPClient
    private let url: String
    private var session = ""

    private init(process: Process, client: HTTPClient, port: Int) {
        self.process = process
        self.client = client
        url = "http://127.0.0.1:\(port)"
    }

    /// Runs `body` with a browser of its own, and ends it.
    static func withBrowser(_ body: (WebDriver) async throws -> Void) async throws {
        let browser = try launch()
        do {
            try await browser.open()
            try await body(browser)
        } catch {
            await browser.quit()
            throw error
        }
        await browser.quit()
    }

    private static func launch() throws -> WebDriver {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/chromedriver")
        process.arguments = ["--port=0"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while let chunk = try output.fileHandleForReading.read(upToCount: 1), !chunk.isEmpty {
            text += String(decoding: chunk, as: UTF8.self)
            if let port = text.firstMatch(of: /successfully on port (\d+)\./).flatMap({ Int($0.1) }) {
                return WebDriver(process: process, client: HTTPClient(), port: port)
            }
        }
        throw Failure(description: "chromedriver did not start: \(text)")
    }

    private func open() async throws {
        let arguments: [Value] = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
            "--window-size=1100,900", "--lang=en-US",
        ]
        let wishes: Value = [
            "browserName": "chrome", "goog:chromeOptions": ["args": .list(arguments), "binary": "/usr/bin/chromium"],
            "goog:loggingPrefs": ["browser": "ALL"], "timeouts": ["implicit": 30_000, "script": 60_000],
        ]
        let answer = try await ask("POST", "/session", ["capabilities": ["alwaysMatch": wishes]])
        session = "/session/" + (answer["sessionId"]?.stringValue ?? "")
    }

    private func quit() async {
        // A browser that is gone already is what is wanted.
        _ = try? await ask("DELETE", session, nil)
        // A driver that was started from a thread with blocked signals never hears SIGTERM.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        await client.shutdown()
    }

    private func ask(_ method: String, _ path: String, _ body: Value?) async throws -> Value {
        let request = HTTPRequest(
            method: method,
            url: url + path,
            headers: ["Content-Type": "application/json"],
            body: try body.map { try JSON.encode($0) } ?? [],
            timeout: .seconds(90)
        )
        let response = try await client.send(request)
        let answer = try JSON.parse(response.body)["value"] ?? .null
        guard response.status == 200 else {
            throw Failure(
                description:
                    "\(method) \(path): \(answer["error"]?.stringValue ?? "") \(answer["message"]?.stringValue ?? "")"
            )
        }
        return answer
    }
}

// What a visitor does and sees
extension WebDriver {
    func go(to url: String) async throws { _ = try await ask("POST", session + "/url", ["url": .string(url)]) }

    func reload() async throws { _ = try await ask("POST", session + "/refresh", [:]) }

    /// Waits until there is such an element.
    private func element(_ selector: String) async throws -> String {
        let found = try await ask(
            "POST",
            session + "/element",
            ["using": "css selector", "value": .string(selector)]
        )
        guard let id = found.mapValue?.first(where: { _ in true })?.value.stringValue else {
            throw Failure(description: "no \(selector)")
        }
        return session + "/element/" + id
    }

    func click(_ selector: String) async throws {
        _ = try await ask("POST", try await element(selector) + "/click", [:])
    }

    func type(_ text: String, into selector: String) async throws {
        let place = try await element(selector)
        _ = try await ask("POST", place + "/clear", [:])
        _ = try await ask("POST", place + "/value", ["text": .string(text)])
    }

    /// Presses a key where the keyboard's focus is.
    func press(_ key: Key) async throws {
        let stroke: [Value] = ["keyDown", "keyUp"].map { ["type": $0, "value": .string(key.rawValue)] }
        let source: Value = ["type": "key", "id": "keyboard", "actions": .list(stroke)]
        _ = try await ask("POST", session + "/actions", ["actions": [source]])
    }

    enum Key: String {
        case enter = "\u{E007}"
        case tab = "\u{E004}"
    }

    func text(of selector: String) async throws -> String {
        try await ask("GET", try await element(selector) + "/text", nil).stringValue ?? ""
    }

    @discardableResult
    func run(_ script: String) async throws -> Value {
        try await ask("POST", session + "/execute/sync", ["script": .string(script), "args": []])
    }

    /// Runs a script that calls `done` with its answer, some time.
    @discardableResult
    func await(_ script: String) async throws -> Value {
        let text = "const done = arguments[0]; \(script)"
        return try await ask("POST", session + "/execute/async", ["script": .string(text), "args": []])
    }

    /// Waits until the payment element is in one of the states; the page tells of each.
    func wait(for states: String...) async throws {
        let list = states.map { "'\($0)'" }.joined(separator: ",")
        let script = """
            const wanted = [\(list)];
            const state = () => document.querySelector("runnel-payment")?.dataset.state;
            if (wanted.includes(state())) return done(state());
            const look = () => { if (wanted.includes(state())) { watcher.disconnect(); done(state()); } };
            const watcher = new MutationObserver(look);
            watcher.observe(document, { subtree: true, childList: true, attributes: true });
            """
        try await self.await(script)
    }

    /// What the browser complained of: broken rules of the content policy among it.
    func complaints() async throws -> [String] {
        let log = try await ask("POST", session + "/se/log", ["type": "browser"])
        return (log.listValue ?? []).filter { $0["level"] == "SEVERE" }.compactMap { $0["message"]?.stringValue }
    }

    /// Keeps a picture under `.build/screenshots`.
    func picture(_ name: String) async throws {
        let picture = try await ask("GET", session + "/screenshot", nil)
        let bytes = try #require(picture.stringValue.flatMap { Data(base64Encoded: $0) })
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".build/screenshots")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try bytes.write(to: folder.appending(path: name + ".png"))
    }
}
