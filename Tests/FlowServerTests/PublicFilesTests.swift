import Expressions
import Foundation
import Hummingbird
import HummingbirdTesting
import Testing

@testable import FlowServer

@Suite("The app's own files")
struct PublicFilesTests {
    private static func folder(_ files: [String: String], _ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "rnl-public-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, text) in files {
            let path = folder + "/" + name
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        try await body(folder)
    }

    private static func get(
        _ client: any TestClientProtocol,
        _ path: String,
        _ headers: HTTPFields = [:]
    ) async throws -> TestResponse {
        try await client.execute(uri: path, method: .get, headers: headers) { $0 }
    }

    @Test("are served with their kind, a tag, and a policy that lets nothing else in")
    func served() async throws {
        let files = ["index.html": "<p>shop", "css/shop.css": "p{}", "help/index.html": "help", ".secret": "x"]
        try await Self.folder(files) { folder in
            var configuration = ServerConfiguration(files: try PublicFiles(folder: folder))
            configuration.stripe = .simulator("http://127.0.0.1:12111")
            try await ServerWorld.run(configuration) { _, client in
                let page = try await Self.get(client, "/")
                #expect(page.status == .ok)
                #expect(String(buffer: page.body) == "<p>shop")
                #expect(page.headers[.contentType] == "text/html; charset=utf-8")
                #expect(page.headers[.xContentTypeOptions] == "nosniff")
                let policy = try #require(page.headers[.contentSecurityPolicy])
                #expect(policy.hasPrefix("default-src 'none'; script-src 'self' http://127.0.0.1:12111;"))
                #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
                let tag = try #require(page.headers[.eTag])
                let again = try await Self.get(client, "/index.html", [.ifNoneMatch: tag])
                #expect(again.status == .notModified && again.body.readableBytes == 0)
                let style = try await Self.get(client, "/css/shop.css")
                #expect(style.headers[.contentType] == "text/css; charset=utf-8")
                let help = try await Self.get(client, "/help")
                #expect(String(buffer: help.body) == "help")
                let config = try JSON.parse(String(buffer: try await Self.get(client, "/runnel/config.json").body))
                #expect(config == ["stripe": "http://127.0.0.1:12111/v3/"])
                let script = try await Self.get(client, "/runnel/payment.js")
                #expect(String(buffer: script.body).contains("customElements.define(\"runnel-payment\""))
                let post = try await client.execute(uri: "/", method: .post) { $0 }
                #expect(post.status == .methodNotAllowed)
            }
        }
    }

    @Test("the folder .well-known is served, files without an ending included; other hidden names are not")
    func wellKnown() async throws {
        let proof = ".well-known/apple-developer-merchantid-domain-association"
        let files = [proof: "7B2276", ".well-known/a.json": "{}", ".well-known/.env": "x", "a/.well-known/b.txt": "x"]
        try await Self.folder(files) { folder in
            let files = try PublicFiles(folder: folder)
            #expect(Set(files.files.keys) == ["/" + proof, "/.well-known/a.json"])
            try await ServerWorld.run(ServerConfiguration(files: files)) { _, client in
                let answer = try await Self.get(client, "/" + proof)
                #expect(answer.status == .ok)
                #expect(String(buffer: answer.body) == "7B2276")
                #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
            }
        }
    }

    @Test(
        "a path that is not one of theirs is nothing, however it is written",
        arguments: [
            "/../app.yaml", "/%2e%2e/app.yaml", "/css/../../app.yaml", "/css/", "/css", "/.secret", "//etc/passwd",
            "/index.html%00.css", "/INDEX.html",
        ]
    )
    func elsewhere(path: String) async throws {
        try await Self.folder(["public/css/a.css": "a", "public/.secret": "x", "app.yaml": "secret"]) { folder in
            let files = try PublicFiles(folder: folder + "/public")
            #expect(Set(files.files.keys) == ["/css/a.css"])
            try await ServerWorld.run(ServerConfiguration(files: files)) { _, client in
                let status = try await Self.get(client, path).status
                #expect(status == .notFound)
            }
        }
    }

    @Test(
        "a folder with something that must not be served is refused as a whole",
        arguments: ["pages/a.html", "a b.html", "app.yaml", "run.sh", "é.html", "data.sqlite"]
    )
    func refused(name: String) async throws {
        try await Self.folder([name: "x"]) { folder in
            #expect(throws: PublicFiles.Refusal.self) { try PublicFiles(folder: folder) }
        }
    }

    @Test("a link is refused, wherever it leads; without a folder there are no files")
    func links() async throws {
        try await Self.folder(["a.html": "x"]) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/b.html",
                withDestinationPath: "/etc/hostname"
            )
            #expect(throws: PublicFiles.Refusal.self) { try PublicFiles(folder: folder) }
            #expect(try PublicFiles(folder: folder + "/none").files.isEmpty)
        }
    }
}
