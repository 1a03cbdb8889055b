import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import CustomCode

@Suite("The Stripe client takes what stripe-node takes, in all its forms")
struct StripeConventionTests {
    private func played(
        _ code: String,
        _ answers: [OutsideAnswer] = [],
        connections: [ConnectionDeclaration] = []
    ) async throws -> (value: Value, requests: [OutsideRequest], lines: [String]) {
        try await CodeDesk(connections: connections).played(CodeDesk.job(code), answers)
    }

    private func paths(_ requests: [OutsideRequest]) -> [String] {
        requests.map { request in
            let body = String(decoding: request.body, as: UTF8.self)
            return "\(request.method) \(request.path)" + (body.isEmpty ? "" : " \(body)")
        }
    }

    @Test("dates, null, empty texts, lists and what is undefined are written as stripe-node writes them")
    func parameters() async throws {
        let result = try await played(
            """
            await stripe.subscriptions.create({
              customer: 'cus_1', items: [{ price: 'price_1', quantity: 2 }, undefined, { price: 'price_2' }],
              trial_end: new Date(1700000000999), cancel_at: null, description: '', metadata: { a: undefined, b: true },
              proration_date: 1e21, discounts: [], amount: NaN,
            });
            """,
            [.json("{}")]
        )
        #expect(
            paths(result.requests) == [
                "POST /v1/subscriptions customer=cus_1&items[0][price]=price_1&items[0][quantity]=2&items[1][price]=price_2"
                    + "&trial_end=1700000000&cancel_at=&description=&metadata[b]=true"
                    + "&proration_date=1000000000000000000000&amount=NaN"
            ]
        )
    }

    @Test("options may be the only argument, the last one, or a key alone; the names of former days count")
    func options() async throws {
        let key = ["sk", "test", "abcdefghijkl"].joined(separator: "_")
        let result = try await played(
            """
            await stripe.balance.retrieve({ stripeAccount: 'acct_1' });
            await stripe.customers.retrieve('cus_1', { stripeAccount: 'acct_2', apiVersion: '2024-06-20' });
            await stripe.customers.list(null, { stripeContext: 'acct_3/acct_4' });
            await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'one', maxNetworkRetries: 5, timeout: 1000 });
            await stripe.customers.create({ name: 'b' }, { idempotency_key: 'two', stripe_account: 'acct_5' });
            await stripe.customers.create({ name: 'c' }, { idempotencyKey: '' , unknown: 1 });
            await stripe.customers.create({ name: 'd' }, '\(key)');
            """,
            Array(repeating: .json("{}"), count: 7)
        )
        #expect(
            result.requests.map { $0.headers["stripe-account"] ?? "" } == [
                "acct_1", "acct_2", "", "", "acct_5", "", "",
            ]
        )
        #expect(result.requests[1].headers["stripe-version"] == "2024-06-20")
        #expect(result.requests[2].headers["stripe-context"] == "acct_3/acct_4")
        #expect(result.requests.map(\.key) == [nil, nil, nil, "one", "two", nil, nil])
        #expect(result.requests.map(\.connection).last == "custom-code.stripe")
        #expect(result.lines == ["Stripe: Invalid options found (unknown); ignoring."])
    }

    @Test(
        "what makes no call of Stripe's is a rejected promise that says so, and sends nothing",
        arguments: [
            ("stripe.customers.retrieve()", "must be a string, but got: undefined"),
            ("stripe.customers.retrieve(null)", "must be a string, but got: null"),
            ("stripe.customers.create(1)", "Unknown arguments"),
            ("stripe.customers.create({}, {}, {})", "Unknown arguments"),
            ("stripe.customers.create({}, { host: 'example.com' })", "the server's setting"),
            ("stripe.customers.create({}, { headers: { Cookie: 'a' } })", "cannot be sent from code"),
            ("stripe.customers.create({}, { stripeAccount: 'a', stripeContext: 'b' })", "both stripeAccount"),
            ("stripe.rawRequest('GET', '/v1/customers', { limit: 1 })", "only supports params on POST"),
            ("stripe.rawRequest('GET', '/v1/../v3')", "rawRequest"),
            ("stripe.rawRequest('PUT', '/v1/a')", "rawRequest"),
            ("stripe.rawRequest('GET', 'https://example.com/v1/')", "rawRequest"),
            ("stripe.files.create({ purpose: 'x' })", "use http-request"),
            ("stripe.quotes.pdf('qt_1')", "use http-request"),
            ("stripe.oauth.token({ code: 'x' })", "use http-request"),
        ]
    )
    func refused(_ call: String, _ reason: String) async throws {
        let result = try await played("return await \(call).catch((e) => e.message)")
        #expect(result.value.stringValue?.contains(reason) == true, "\(result.value)")
    }

    @Test("a callback is called with the error or the object, and the code is not over before")
    func callbacks() async throws {
        let result = try await played(
            """
            stripe.customers.create({ name: 'a' }, function (err, customer) {
              console.log(err, customer.id);
              stripe.customers.retrieve('cus_2', (err, customer) => console.log(err.type, customer));
            });
            """,
            [.json("{\"id\":\"cus_1\"}"), .json("{\"error\":{\"type\":\"invalid_request_error\"}}", status: 404)]
        )
        #expect(result.lines == ["null cus_1", "StripeInvalidRequestError null"])
    }

    @Test("autoPagingEach stops at false, waits for promises, and knows the callbacks of former days")
    func pagingEach() async throws {
        let pages: [OutsideAnswer] = [
            .json("{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"has_more\":true}"),
            .json("{\"data\":[{\"id\":\"c\"},{\"id\":\"d\"}],\"has_more\":true}"),
        ]
        let stopped = try await played(
            """
            const ids = [];
            await stripe.customers.list({ limit: 2 }).autoPagingEach(async (c) => { ids.push(c.id); return c.id !== 'c' });
            return ids;
            """,
            pages
        )
        #expect(stopped.value == ["a", "b", "c"])
        let told = try await played(
            """
            const ids = [];
            await stripe.customers.list({ limit: 2 }).autoPagingEach(
              (c, next) => { ids.push(c.id); next(c.id !== 'd') }, () => ids.push('done'));
            await null;
            return ids;
            """,
            pages
        )
        #expect(told.value == ["a", "b", "c", "d", "done"])
        let parallel = try await played(
            """
            const list = stripe.customers.list({ limit: 2 });
            const items = await Promise.all([list.next(), list.next(), list.next()]);
            return items.map((item) => item.value.id);
            """,
            pages
        )
        #expect(parallel.value == ["a", "b", "c"])
    }

    @Test("/v2 is JSON, its dates are texts, and its lists go by the address of the next page")
    func version2() async throws {
        let result = try await played(
            """
            await stripe.v2.billing.meterEvents.create({
              event_name: 'tokens', payload: { stripe_customer_id: 'cus_1', value: '25' }, timestamp: new Date(1700000000000),
            });
            const ids = [];
            for await (const account of stripe.v2.core.accounts.list({ limit: 1 })) ids.push(account.id);
            return ids;
            """,
            [
                .json("{\"object\":\"v2.billing.meter_event\"}"),
                .json("{\"data\":[{\"id\":\"a\"}],\"next_page_url\":\"/v2/core/accounts?limit=1&page=p2\"}"),
                .json("{\"data\":[{\"id\":\"b\"}],\"next_page_url\":null}"),
            ]
        )
        #expect(
            paths(result.requests) == [
                "POST /v2/billing/meter_events {\"event_name\":\"tokens\",\"payload\":{\"stripe_customer_id\":\"cus_1\","
                    + "\"value\":\"25\"},\"timestamp\":\"1700000000\"}",
                "GET /v2/core/accounts?limit=1", "GET /v2/core/accounts?limit=1&page=p2",
            ]
        )
        #expect(result.requests[0].headers["content-type"] == "application/json")
        #expect(result.value == ["a", "b"])
    }

    @Test("an error of /v2 has the class of its type")
    func version2Errors() async throws {
        let body = "{\"error\":{\"type\":\"temporary_session_expired\",\"code\":\"x\",\"message\":\"m\"}}"
        let result = try await played(
            """
            try { await stripe.v2.core.events.retrieve('evt_1') } catch (e) {
              return [e instanceof Stripe.errors.TemporarySessionExpiredError, e.type, e.code, e.statusCode, e.headers['request-id']];
            }
            """,
            [.json(body, status: 400)]
        )
        #expect(result.value == [true, "TemporarySessionExpiredError", "x", 400, "req_1"])
    }

    @Test("rawRequest sends what the table does not know")
    func rawRequest() async throws {
        let result = try await played(
            """
            const made = await stripe.rawRequest('POST', '/v1/beta_endpoint', { param: 123 },
              { apiVersion: '2026-08-26.dahlia; feature_beta=v3', additionalHeaders: { 'Stripe-Account': 'acct_1' } });
            await stripe.rawRequest('GET', '/v1/beta_endpoint/b_1?expand[0]=x');
            return [made.id, made.lastResponse.statusCode, made.lastResponse.requestId];
            """,
            [.json("{\"id\":\"b_1\"}"), .json("{}")]
        )
        #expect(result.value == ["b_1", 200, "req_1"])
        #expect(
            paths(result.requests) == ["POST /v1/beta_endpoint param=123", "GET /v1/beta_endpoint/b_1?expand[0]=x"]
        )
        #expect(result.requests[0].headers["stripe-account"] == "acct_1")
        #expect(result.requests[0].headers["stripe-version"] == "2026-08-26.dahlia; feature_beta=v3")
    }

    @Test("the client of another connection is named, and no key is in the code")
    func otherConnection() async throws {
        let range = SourceRange(file: "app.yaml", start: .start, end: .start)
        let connections = ["stripe", "other"].map { ConnectionDeclaration(name: $0, service: "stripe", range: range) }
        let result = try await played(
            "const other = new Stripe('other', { stripeAccount: 'acct_1' }); await other.balance.retrieve(); return other instanceof Stripe",
            [.json("{}")],
            connections: connections
        )
        #expect(result.value == true)
        #expect(result.requests[0].connection == "other")
        #expect(result.requests[0].headers == ["stripe-account": "acct_1"])
        let unknown = try await played("return await new Stripe('third').balance.retrieve().catch((e) => e.message)")
        #expect(unknown.value == "the key is no secret or restricted key of Stripe, nor a connection's name")
    }

    @Test("a web hook's body may be bytes, and everything that is wrong with it has its own words")
    func signatures() async throws {
        let result = try await played(
            """
            const payload = '{"id":"evt_1","object":"event","note":"für €"}', secret = 'whsec_test';
            const header = await stripe.webhooks.generateTestHeaderStringAsync({ payload, secret });
            const encoder = new TextEncoder();
            const event = stripe.webhooks.constructEvent(encoder.encode(payload), encoder.encode(header), secret);
            const again = await stripe.webhooks.constructEventAsync(payload, header, secret, undefined, Stripe.createSubtleCryptoProvider());
            const reasons = [[event, header], ['', header], [payload, undefined], [payload, 'v1=1'], [payload, 't=1']].map(([body, header]) => {
              try { stripe.webhooks.constructEvent(body, header, secret) } catch (e) { return e.message.slice(0, 24) }
            });
            const thin = '{"id":"evt_2","object":"v2.core.event","related_object":{"id":"a","url":"/v2/core/accounts/a"}}';
            const note = stripe.parseEventNotification(thin, stripe.webhooks.generateTestHeaderString({ payload: thin, secret }), secret);
            const related = await note.fetchRelatedObject();
            return [event.note, again.id, ...reasons, related.id];
            """,
            [.json("{\"id\":\"acct_1\"}")]
        )
        #expect(
            result.value == [
                "für €", "evt_1", "Webhook payload must be ", "No webhook payload was p", "No stripe-signature head",
                "Unable to extract timest", "No signatures found with", "acct_1",
            ]
        )
        #expect(paths(result.requests) == ["GET /v2/core/accounts/a"])
    }

    @Test("who listens is told of each request and its answer")
    func events() async throws {
        let result = try await played(
            """
            const seen = [];
            stripe.on('request', (event) => seen.push(event.method + ' ' + event.path));
            stripe.once('response', (event) => seen.push(event.status + ' ' + event.request_id));
            await stripe.customers.update('cus_1', { name: 'a' });
            await stripe.accounts.retrieve();
            return seen;
            """,
            [.json("{}"), .json("{}")]
        )
        #expect(result.value == ["POST /v1/customers/cus_1", "200 req_1", "GET /v1/account"])
    }

    @Test("a configuration is checked as stripe-node checks it")
    func configuration() async throws {
        let result = try await played(
            """
            const tried = [{ foo: 1 }, { host: 'localhost' }, '2024-06-20', { apiVersion: '2024-06-20', timeout: 1, maxNetworkRetries: 1, typescript: true }];
            return tried.map((config) => { try { return typeof Stripe('sk_test_1', config).customers.create } catch (e) { return e.message.slice(0, 20) } });
            """
        )
        #expect(result.value == ["Config object may on", "Stripe: 'host' is th", "function", "function"])
    }
}
