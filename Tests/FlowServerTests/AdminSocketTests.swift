import Foundation
import Testing

@testable import FlowServer

@Suite("The admin socket's place")
struct AdminSocketTests {
    @Test("it lies in the data folder while the kernel takes the path, else in a folder of this user below /tmp")
    func paths() {
        #expect(AdminSocket.path(forDataFolder: "/srv/my shop/.runnel") == "/srv/my shop/.runnel/admin.sock")
        let deep = "/srv/" + String(repeating: "deep/", count: 30)
        let path = AdminSocket.path(forDataFolder: deep)
        #expect(path.hasPrefix("/tmp/runnel-\(getuid())/"))
        #expect(path.utf8.count <= 103)
        #expect(path != AdminSocket.path(forDataFolder: deep + "er"))
    }

    @Test("a file that is no socket is never removed, and a folder that others may write to is refused")
    func refusals() throws {
        let folder = NSTemporaryDirectory() + "rnl-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/admin.sock"
        try AdminSocket.prepare(at: path)
        try Data("x".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: AdministrationError.self) { try AdminSocket.prepare(at: path) }
        #expect(FileManager.default.fileExists(atPath: path))
        try FileManager.default.removeItem(atPath: path)
        chmod(folder, 0o777)
        #expect(throws: AdministrationError.self) { try AdminSocket.prepare(at: path) }
    }

    @Test("an answer that broke off is an error, one with its whole body is read")
    func exchange() throws {
        let whole = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\n{}".utf8)
        #expect(try UnixSocketExchange.parse(whole).body == Array("{}".utf8))
        for length in 0..<whole.count {
            #expect(throws: AdministrationError.self) { try UnixSocketExchange.parse(Array(whole.prefix(length))) }
        }
    }

    @Test("without a server a command is told that nobody answers")
    func nobody() async {
        let client = AdminClient(socket: "/nonexistent/admin.sock")
        #expect(await !client.isServing)
    }
}
