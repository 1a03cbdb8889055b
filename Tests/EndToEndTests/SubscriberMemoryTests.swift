import Expressions
import Foundation
import TestSupport
import Testing

@testable import runnel

/// Many browsers that follow a table, of one server in a process of its own.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SubscriberMemoryTests {
    private static let count = 1_000

    /// Goal: subscribers cost the server a bounded amount of memory each, and do not hold up its stop.
    ///
    /// Method: a thousand connections of five callers follow three changes; the server's resident memory before and
    /// after; then it is stopped, and must end each stream by itself, whole.
    @Test("a thousand subscribers cost less than 128 KiB each, and a stop ends every stream in order")
    func thousand() async throws {
        try await BuiltCommand.withWorld("subscribers") { world in
            let client = world.client
            var tokens = [client.adminToken, client.customerToken]
            for number in 1...3 {
                let words = ["token", "create", world.app, "--role", "admin", "--id", "boss\(number)@example.com"]
                tokens.append(try world.runnel(words).trimmingCharacters(in: .whitespacesAndNewlines))
            }
            _ = try await PaidOrderTests().newOrder(in: world)
            let port = try #require(client.runtimeURL.split(separator: ":").last.flatMap { Int($0) })
            let clients = try EventClients(port: port)
            defer { clients.stop() }
            let before = try Self.residentBytes(of: world.runtime.pid)
            for number in 0..<Self.count {
                let token = tokens[number % tokens.count]
                _ = try clients.open("/tables/orders/subscribe", headers: ["Authorization: Bearer \(token)"])
            }
            await clients.wait { $0.allSatisfy { $0.events.count == 1 } }
            for _ in 1...3 {
                let order: Value = ["product": 1, "quantity": 1]
                _ = try await client.page("place-order", order, token: client.customerToken)
            }
            await clients.wait { $0.allSatisfy { $0.events.count == 4 } }
            let growth = try Self.residentBytes(of: world.runtime.pid) - before
            print("1,000 subscribers cost the server \(growth >> 10) KiB")
            #expect(growth < Self.count * 128 << 10)
            world.runtime.stop()
            await clients.wait { $0.allSatisfy(\.isClosed) }
            #expect(clients.all.allSatisfy { $0.isEnded })
            try world.restartRuntime()
        }
    }

    private static func residentBytes(of process: pid_t) throws -> Int {
        let pages = try String(contentsOfFile: "/proc/\(process)/statm", encoding: .utf8).split(separator: " ")
        return try #require(pages.count > 1 ? Int(pages[1]) : nil) * sysconf(Int32(_SC_PAGESIZE))
    }
}
