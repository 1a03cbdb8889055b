package import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import Payments

extension Administration {
    package func paymentsStatus() async throws(AdministrationError) -> Value {
        let overview: PaymentsOverview?
        do {
            overview = try await store.read { [app, mode] reader throws(StoreError) in
                try PaymentsOverview(of: app, mode: mode, in: reader)
            }
        } catch {
            throw AdministrationError(error)
        }
        guard let overview else { throw Self.withoutPayments }
        return overview.value
    }

    package func reconcilePayments(since span: Duration) async throws(AdministrationError) -> Value {
        guard let reconciler else { throw Self.withoutPayments }
        do {
            return try await reconciler.reconcile(since: span).value
        } catch let error as StoreError {
            throw AdministrationError(error)
        } catch {
            throw AdministrationError(.unavailable, "\(error)")
        }
    }

    private static let withoutPayments = AdministrationError(.invalid, "the app has no `payments:`")
}

extension AdminClient {
    package func paymentsStatus() async throws(AdministrationError) -> Value { try await ask("GET", "payments") }

    package func reconcilePayments(since span: Duration) async throws(AdministrationError) -> Value {
        // A month of a large account takes its time.
        try await ask(
            "POST",
            "payments/reconcile",
            ["seconds": .int(span.components.seconds)],
            waitingSeconds: 3_600
        )
    }
}

extension AdminRoutes {
    func addPayments(to table: inout RouteTable) {
        table.add(.get, "/admin/payments", access: .socket) { _, _ in
            try await answering { try await administration.paymentsStatus() }
        }
        table.add(.post, "/admin/payments/reconcile", access: .socket) { request, _ in
            try await answering {
                let seconds = try await members(of: request).int("seconds")
                return try await administration.reconcilePayments(since: .seconds(max(0, seconds)))
            }
        }
    }
}
