import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

@testable import CustomCode

@Suite("The Stripe client behaves as stripe-node's users know it")
struct StripeClientTests {
    let desk: CodeDesk

    init() throws { desk = try CodeDesk() }

    /// Answers each request in turn with a status and a body.
    private func run(_ code: String, _ answers: [(Int, String)]) async throws -> (value: Value, paths: [String]) {
        let job = CodeDesk.job(code)
        var given: [CodeAnswer] = []
        var paths: [String] = []
        for (status, body) in answers {
            let question = try await desk.question(job, answers: given)
            guard case .send(let request) = question.work else { throw CodeDesk.Unexpected(step: "\(question.work)") }
            paths.append("\(request.method) \(request.path)")
            let answer = OutsideAnswer(status: status, headers: ["request-id": "req_1"], body: Array(body.utf8))
            given.append(question.answered(.response(answer)))
        }
        return (try await desk.value(job, answers: given), paths)
    }

    @Test("every operation of the table is a function of the client")
    func table() async throws {
        #expect(StripeOperations.count == 648)
        let names = String(decoding: StripeOperations.text, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: " ").prefix(2).joined(separator: ".")
        }
        let code = """
            return args.names.filter((name) => typeof name.split('.').reduce((at, key) => at?.[key], stripe) !== 'function')
            """
        #expect(try await desk.value(code, args: ["names": .list(names.map { .string($0) })]) == [])
    }

    @Test("ids come first, then parameters, then options")
    func arguments() async throws {
        let result = try await run(
            """
            await stripe.customers.retrieve('cus_1', { expand: ['subscriptions'] });
            await stripe.subscriptions.cancel('sub_1');
            await stripe.checkout.sessions.list({ limit: 3 });
            await stripe.customers.update('cus_/x', { name: 'Ann' }, { idempotencyKey: 'k' });
            return 1;
            """,
            [(200, "{}"), (200, "{}"), (200, "{\"data\":[]}"), (200, "{}")]
        )
        #expect(
            result.paths == [
                "GET /v1/customers/cus_1?expand[0]=subscriptions", "DELETE /v1/subscriptions/sub_1",
                "GET /v1/checkout/sessions?limit=3", "POST /v1/customers/cus_%2Fx",
            ]
        )
    }

    @Test("errors are told apart by class and by type, with what Stripe said")
    func errors() async throws {
        let body = """
            {"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","param":"x","message":"No."}}
            """
        let result = try await run(
            """
            try { await stripe.paymentIntents.confirm('pi_1') } catch (e) {
              return [e instanceof Stripe.errors.StripeCardError, e instanceof Stripe.errors.StripeError, e instanceof Error,
                e.type, e.rawType, e.code, e.decline_code, e.param, e.statusCode, e.requestId, e.raw.message, e.message];
            }
            """,
            [(402, body)]
        )
        #expect(
            result.value == [
                true, true, true, "StripeCardError", "card_error", "card_declined", "insufficient_funds", "x", 402,
                "req_1",
                "No.", "No.",
            ]
        )
    }

    @Test(
        "each status and type has the class that stripe-node gives it",
        arguments: [
            (400, "invalid_request_error", "StripeInvalidRequestError"),
            (401, "invalid_request_error", "StripeAuthenticationError"),
            (403, "invalid_request_error", "StripePermissionError"),
            (404, "invalid_request_error", "StripeInvalidRequestError"),
            (429, "invalid_request_error", "StripeRateLimitError"), (500, "api_error", "StripeAPIError"),
            (400, "idempotency_error", "StripeIdempotencyError"), (418, "tea", "StripeUnknownError"),
        ]
    )
    func classes(_ status: Int, _ type: String, _ name: String) async throws {
        let result = try await run(
            "try { await stripe.balance.retrieve() } catch (e) { return e.type }",
            [(status, "{\"error\":{\"type\":\"\(type)\",\"message\":\"m\"}}")]
        )
        #expect(result.value == .string(name))
    }

    @Test("an uncaught error of Stripe's fails the block with its decline code, parameter and request")
    func uncaught() async throws {
        let job = CodeDesk.job("await stripe.paymentIntents.confirm('pi_1')")
        let question = try await desk.question(job)
        let body = """
            {"error":{"type":"card_error","code":"card_declined","decline_code":"lost_card","param":"source","message":"No."}}
            """
        let answer = OutsideAnswer(status: 402, headers: ["request-id": "req_9"], body: Array(body.utf8))
        let failure = try await desk.failure(job, answers: [question.answered(.response(answer))])
        #expect(failure.code == "code-threw")
        #expect(failure.declineCode == "lost_card")
        #expect(failure.param == "source")
        #expect(failure.status == 402)
        #expect(failure.requestID == "req_9")
    }

    @Test("for await walks through all pages, forwards and backwards")
    func pages() async throws {
        let forward = try await run(
            "const ids = []; for await (const c of stripe.customers.list({ limit: 2 })) ids.push(c.id); return ids",
            [
                (200, "{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"has_more\":true}"),
                (200, "{\"object\":\"list\",\"data\":[{\"id\":\"c\"}],\"has_more\":false}"),
            ]
        )
        #expect(forward.value == ["a", "b", "c"])
        #expect(forward.paths == ["GET /v1/customers?limit=2", "GET /v1/customers?limit=2&starting_after=b"])
        let backward = try await run(
            "return (await stripe.customers.list({ ending_before: 'd' }).autoPagingToArray({ limit: 10 })).map((c) => c.id)",
            [
                (200, "{\"object\":\"list\",\"data\":[{\"id\":\"b\"},{\"id\":\"c\"}],\"has_more\":true}"),
                (200, "{\"object\":\"list\",\"data\":[{\"id\":\"a\"}],\"has_more\":false}"),
            ]
        )
        #expect(backward.value == ["c", "b", "a"])
        let search = try await run(
            "return (await stripe.customers.search({ query: 'x' }).autoPagingToArray({ limit: 2 })).length",
            [
                (
                    200,
                    "{\"object\":\"search_result\",\"data\":[{\"id\":\"b\"}],\"has_more\":true,\"next_page\":\"p2\"}"
                ),
                (
                    200,
                    "{\"object\":\"search_result\",\"data\":[{\"id\":\"a\"}],\"has_more\":true,\"next_page\":\"p3\"}"
                ),
            ]
        )
        #expect(search.paths.last == "GET /v1/customers/search?query=x&page=p2")
    }

    @Test("a web hook's signature is checked against the raw body, the secret and the time")
    func signatures() async throws {
        let code = """
            const payload = '{"id":"evt_1","object":"event","note":"für €"}', secret = 'whsec_test';
            const header = stripe.webhooks.generateTestHeaderString({ payload, secret });
            const event = stripe.webhooks.constructEvent(payload, header, secret);
            const refusals = [];
            for (const [body, stamp, key] of [[payload + ' ', header, secret], [payload, header, 'other'], [payload, 'v1=0', secret],
                [payload, stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Date.now() / 1000 - 301 }), secret]]) {
              try { stripe.webhooks.constructEvent(body, stamp, key); refusals.push('taken'); } catch (e) { refusals.push(e.type); }
            }
            return [event.id, header, ...refusals];
            """
        let value = try await desk.value(code)
        let list = try #require(value.listValue)
        #expect(list.first == "evt_1")
        #expect(list.dropFirst(2).allSatisfy { $0 == "StripeSignatureVerificationError" })
        // `printf '%s' '1795168800.{"id":"evt_1","object":"event","note":"für €"}' | openssl dgst -sha256 -hmac whsec_test`
        #expect(list[1].stringValue?.hasPrefix("t=1795168800,v1=") == true)
        #expect(list[1].stringValue?.utf8.count == "t=1795168800,v1=".utf8.count + 64)
    }
}
