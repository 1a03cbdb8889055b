import Foundation
import HTTPTransport
import Testing

private let openssl = "/usr/bin/openssl"

@Suite("TLS, against OpenSSL's own server", .enabled(if: FileManager.default.isExecutableFile(atPath: openssl)))
struct TLSTests {
    @Test("a certificate of an unknown authority is refused, and nothing of the request is sent")
    func unknownAuthority() async throws {
        try await withServer(name: "127.0.0.1") { port, _ in
            let error = try await withClient { client in
                try await #require(throws: HTTPError.self) {
                    try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/"))
                }
            }
            #expect(error.code == .tls)
            #expect(!error.requestMayHaveBeenSent)
        }
    }

    @Test("a certificate of an authority that is trusted is accepted")
    func trusted() async throws {
        try await withServer(name: "127.0.0.1") { port, certificate in
            let response = try await withClient({ $0.certificateAuthorityFile = certificate }) { client in
                try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/", addressPolicy: .loopbackOnly))
            }
            #expect(response.status == 200)
        }
    }

    @Test("a certificate for another host is refused, even of an authority that is trusted")
    func otherHost() async throws {
        try await withServer(name: "127.0.0.2") { port, certificate in
            let error = try await withClient({ $0.certificateAuthorityFile = certificate }) { client in
                try await #require(throws: HTTPError.self) {
                    try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/"))
                }
            }
            #expect(error.code == .tls)
            #expect(!error.requestMayHaveBeenSent)
        }
    }

    @Test("TLS 1.1 is not spoken")
    func oldVersion() async throws {
        try await withServer(name: "127.0.0.1", options: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]) {
            port,
            certificate in
            let error = try await withClient({ $0.certificateAuthorityFile = certificate }) { client in
                try await #require(throws: HTTPError.self) {
                    try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/"))
                }
            }
            #expect(error.code == .tls)
        }
    }

    @Test("a certificate file that is not there is a TLS error, not a fall-back to others")
    func missingAuthorities() async throws {
        try await withServer(name: "127.0.0.1") { port, _ in
            let error = try await withClient({ $0.certificateAuthorityFile = "/nonexistent/ca.pem" }) { client in
                try await #require(throws: HTTPError.self) {
                    try await client.send(HTTPRequest(url: "https://127.0.0.1:\(port)/"))
                }
            }
            #expect(error.code == .tls)
        }
    }

    /// Makes a self-signed certificate for an address and serves pages with it while `body` runs.
    private func withServer(
        name: String,
        options: [String] = [],
        _ body: (_ port: Int, _ certificate: String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("runnel-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // A folder left behind harms nobody.
        let certificate = folder.path + "/cert.pem"
        let key = folder.path + "/key.pem"
        let making = try spawn(
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                + ["-keyout", key, "-out", certificate, "-subj", "/CN=test", "-addext", "subjectAltName=IP:\(name)"]
        )
        try #require(wait(for: making.process) == 0)
        let serving = try spawn(
            ["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key] + options
        )
        defer {
            kill(serving.process, SIGKILL)
            _ = wait(for: serving.process)
        }
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
            let data = serving.output.availableData
            try #require(!data.isEmpty, "the server ended: \(text)")
            text += String(decoding: data, as: UTF8.self)
        }
        let port = try #require(text.split(separator: ":").last.flatMap { Int($0.prefix { $0.isNumber }) })
        try await body(port, certificate)
    }

    /// Starts OpenSSL.
    ///
    /// Foundation's `Process` is not used: it takes a child for alive as long as another child lives.
    private func spawn(_ arguments: [String]) throws -> (process: pid_t, output: FileHandle) {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var words: [UnsafeMutablePointer<CChar>?] = ([openssl] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        try #require(posix_spawn(&process, openssl, &actions, nil, &words, environ) == 0)
        return (process, FileHandle(fileDescriptor: ends[0], closeOnDealloc: true))
    }

    /// The exit status of a child, or nil if it was ended by a signal.
    private func wait(for process: pid_t) -> Int32? {
        var status: Int32 = 0
        guard waitpid(process, &status, 0) == process, status & 0x7F == 0 else { return nil }
        return status >> 8 & 0xFF
    }
}
