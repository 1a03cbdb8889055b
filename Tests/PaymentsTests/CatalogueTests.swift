import Connections
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

@Suite("What the payments declare")
struct CatalogueTests {
    @Test("E13: a command has one name, under which the checker and the engine find the same one")
    func oneName() throws {
        let app = PaymentsWorld.app()
        let feature = PaymentsFeature(app: app, mode: .test, credentials: StripeCredentials(TestSecrets([:])))
        for service in [PaymentsCatalogue.stripe, PaymentsCatalogue.sendGrid] {
            let names = service.commands.map(\.name)
            #expect(Set(names).count == names.count && names.count >= 2)
            for declaration in service.commands {
                let command = try #require(feature.command(declaration.name, of: service.name), "\(declaration.name)")
                #expect(command.declaration.name == declaration.name)
                #expect(command.declaration.parameters.map(\.name) == declaration.parameters.map(\.name))
                #expect(!declaration.summary.isEmpty)
            }
        }
        // What the seeds also call it.
        for other in ["initiate-payments", "Create Payment Intent", "createPaymentIntent", "payment"] {
            #expect(feature.command(other, of: "stripe") == nil)
        }
    }
}
