import Expressions
import Foundation
import Testing

@testable import runnel

/// A server with test keys and no simulator: what its pages would ask of Stripe, without a network to ask it over.
@Suite(
    "Stripe's own script",
    .serialized,
    .enabled(if: WebDriver.isInstalled, "chromium and chromium-driver are not installed"),
    .timeLimit(.minutes(5))
)
struct StripeScriptTests {
    private static let files = [
        "app.yaml": """
        app: real
        currency: usd
        connections:
          stripe: { service: stripe }
        """,
        "flows/pay.yaml": """
        flow: pay
        kind: page
        access: [public]
        output: { clientSecret: pi_3real_secret_canary, publishableKey: pk_test_realKeyOfATest }
        blocks:
          - block: log
            message: asked
        """,
        "public/index.html": """
        <!doctype html>
        <html lang="en">
        <title>Real</title>
        <script type="module" src="/runnel/payment.js"></script>
        <runnel-payment flow="pay"></runnel-payment>
        """,
    ]

    private func withServer(_ body: (_ url: String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel real \(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, text) in Self.files {
            let file = folder.appending(path: "app/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        environment["RUNNEL_MODE"] = "test"
        let app = folder.appending(path: "app").path
        for (name, value) in [("secretKey", "sk_test_realKeyOfATest"), ("publishableKey", "pk_test_realKeyOfATest")] {
            let words = ["secrets", "set", "stripe.test.\(name)", app]
            let set = try ChildProcess.run(BuiltCommand.url, words, environment: environment, input: value + "\n")
            try #require(set.code == 0, "\(set.errors)")
        }
        let server = try ChildProcess(
            BuiltCommand.url,
            ["serve", app, "--port", "0", "--json", "--stop-at-end-of-input"],
            environment: environment,
            log: folder.appending(path: "log")
        )
        let first = server.firstLine()
        let line = try #require(first)
        let url = try #require(try JSON.parse(line)["url"]?.stringValue)
        do {
            try await body(url)
        } catch {
            server.stop()
            throw error
        }
        server.stop()
    }

    /// Does `attempt` and gives what the content policy refused of it; "let through" when that is nothing.
    private func refusal(_ attempt: String, _ browser: WebDriver) async throws -> String {
        try await browser.await(
            """
            document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), { once: true });
            const over = () => setTimeout(() => done("let through"), 100);
            const load = (name, properties) => {
              const element = Object.assign(document.createElement(name), properties);
              element.addEventListener("error", over);
              element.addEventListener("load", over);
              document.head.append(element);
            };
            \(attempt)
            """
        ).stringValue ?? ""
    }

    @Test(
        "Z3, Z7: with keys and no simulator the page asks for https://js.stripe.com/v3/, and may ask for nothing else"
    )
    func stripesOwn() async throws {
        try await withServer { url in
            try await WebDriver.withBrowser { browser in
                try await browser.go(to: url + "/")
                // Where there is a network, Stripe's script comes and refuses the made-up secret.
                try await browser.wait(for: "failed", "ready")
                let asked = try await browser.run("return performance.getEntriesByType('resource').map((e) => e.name)")
                let elsewhere = (asked.listValue ?? []).compactMap(\.stringValue).filter { !$0.hasPrefix(url) }
                #expect(elsewhere.first == "https://js.stripe.com/v3/", "\(elsewhere)")
                #expect(elsewhere.allSatisfy { $0.contains("stripe.com/") })
                let sources = try await browser.run("return [...document.scripts].map((script) => script.src)")
                #expect(sources.listValue?.contains("https://js.stripe.com/v3/") == true)
                #expect(try await browser.complaints().filter { $0.contains("Content Security Policy") } == [])
                let attempts = [
                    ("load('script', { src: 'https://js.stripe.com.example.org/v3/' })", "script-src-elem"),
                    ("load('script', { src: 'http://js.stripe.com/v3/' })", "script-src-elem"),
                    ("load('script', { textContent: 'document.title = 1' })", "script-src-elem"),
                    ("load('script', { src: 'https://m.js.stripe.com/x.js' })", "let through"),
                    ("fetch('https://example.org/').catch(over)", "connect-src"),
                    ("fetch('https://api.stripe.com/').catch(over)", "let through"),
                    ("load('img', { src: 'https://example.org/card.png' })", "img-src"),
                    ("load('iframe', { src: 'https://example.org/' })", "frame-src"),
                    ("document.body.setAttribute('style', 'color: red'); over()", "style-src-attr"),
                ]
                for (attempt, verdict) in attempts {
                    #expect(try await refusal(attempt, browser) == verdict, "\(attempt)")
                }
            }
        }
    }
}
