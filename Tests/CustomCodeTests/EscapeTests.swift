import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import CustomCode

@Suite("No way out of the language leads to anything")
struct EscapeTests {
    @Test("there are three hundred cases of forty families")
    func count() {
        #expect(EscapeFamily.all.count >= 40)
        #expect(EscapeFamily.all.count * EscapeFamily.aims.count >= 300)
        #expect(Set(EscapeFamily.all.map(\.name)).count == EscapeFamily.all.count)
    }

    @Test("behind the walls, no case reaches a file, the network, a program, the environment or memory")
    func nothingIsReached() async throws {
        let desk = try CodeDesk()
        for family in EscapeFamily.all {
            for aim in EscapeFamily.aims {
                let progress = await desk.pool.advance(CodeDesk.job(family.program(aim)), answers: [])
                if case .failed(let failure) = progress.step {
                    // Ended by a wall is as good as nothing; a case that does not even parse is no case.
                    #expect(failure.code != "code-syntax", "\(family.name): \(failure.message)")
                }
                guard case .returned(let value) = progress.step else { continue }
                #expect(value == .null, "\(family.name), \(aim.word): \(value)")
            }
        }
    }

    @Test("without the bare context and the kernel's walls, each family does its harm", arguments: EscapeFamily.all)
    func wouldBeReached(_ family: EscapeFamily) async throws {
        let desk = try CodeDesk(options: ["without=bare-context,landlock,system-calls", "unproved"])
        let value = try await desk.value(CodeDesk.job(family.program(EscapeFamily.aims[0])))
        #expect(value.stringValue?.contains("root:") == true, "\(family.name) got \(value)")
    }

    @Test("without those walls, each aim can be reached", arguments: EscapeFamily.aims.map(\.word))
    func aims(_ word: String) async throws {
        let desk = try CodeDesk(options: ["without=bare-context,landlock,system-calls", "unproved"])
        let aim = try #require(EscapeFamily.aims.first { $0.word == word })
        #expect(try await desk.value(CodeDesk.job(EscapeFamily.all[0].program(aim))) != .null)
    }

    @Test("even with a way out of the language, the kernel's walls alone keep each aim out of reach")
    func kernelAlone() async throws {
        let desk = try CodeDesk(options: ["without=bare-context", "unproved"])
        for aim in EscapeFamily.aims {
            let progress = await desk.pool.advance(CodeDesk.job(EscapeFamily.all[0].program(aim)), answers: [])
            guard case .returned(let value) = progress.step else { continue }
            #expect(value == .null, "\(aim.word): \(value)")
        }
    }

    @Test("without Landlock, the list of system calls alone keeps each aim out of reach")
    func systemCallsAlone() async throws {
        let desk = try CodeDesk(options: ["without=bare-context,landlock", "unproved"])
        for aim in EscapeFamily.aims {
            let progress = await desk.pool.advance(CodeDesk.job(EscapeFamily.all[0].program(aim)), answers: [])
            guard case .returned(let value) = progress.step else { continue }
            #expect(value == .null, "\(aim.word): \(value)")
        }
    }
}
