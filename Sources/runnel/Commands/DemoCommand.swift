import ArgumentParser

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Plays a shop offline: an order is paid, refunded, and another one declined.",
        discussion: "Starts the runtime and a Stripe simulator on free loopback ports, in a temporary folder."
    )

    func run() async throws {
        try await reporting {
            let world = try await DemoWorld.start()
            Console.note(
                "runtime \(world.client.runtimeURL), Stripe simulator \(world.client.simulatorURL), app \(world.app)\n"
            )
            let mismatches: [String]
            do {
                mismatches = try await DemoStory.play(in: world)
            } catch {
                await world.stop()
                throw error
            }
            await world.stop()
            guard mismatches.isEmpty else {
                Console.note("\n\(mismatches.count) things were not as they should be:")
                for mismatch in mismatches { Console.note("  \(mismatch)") }
                throw Exit.failed
            }
            Console.data(
                "\nEverything went as it should: NEW → PAID → REFUNDED, and a declined card that paid nothing."
            )
        }
    }
}
