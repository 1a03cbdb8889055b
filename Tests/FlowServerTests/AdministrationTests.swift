import FlowEngine
import Testing

@testable import FlowServer

@Suite("What an operator may do")
struct AdministrationTests {
    @Test("a token carries none of the names under which the runtime itself acts", arguments: ["system", "operator"])
    func reservedNames(id: String) async throws {
        try await ServerWorld.with { world in
            await #expect(throws: AdministrationError.self) {
                try await world.administration.createToken(for: Caller(id: id, roles: ["customer"]))
            }
            #expect(try await world.administration.tokens().isEmpty)
        }
    }
}
