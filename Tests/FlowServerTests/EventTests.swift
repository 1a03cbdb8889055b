import Expressions
import FlowEngine
import HTTPTypes
import HummingbirdTesting
import Testing
import TestSupport

@testable import FlowServer

@Suite("POST /events/<name>")
struct EventTests {
    @Test("an event is durable when it is answered, and sent again with its key it is told to be a repetition")
    func durable() async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann, key: "e-1")
            let body = #"{"key": 7, "data": {"by": "mail"}}"#
            let first = try await client.json("/events/shipped", .post, headers: headers, body: body)
            #expect(first.status == 200)
            #expect(first.body == ["event": 1, "repeated": false])
            let second = try await client.json("/events/shipped", .post, headers: headers, body: body)
            #expect(second.body == ["event": 1, "repeated": true])
            let event = try await world.engine.store.read { reader throws(StoreError) in
                let subject = EventSubject(name: "shipped", key: "7")
                return try reader.event(subject, mode: .test, after: 0, since: world.clock.now())
            }
            #expect(event?.data == ["by": "mail"])
            #expect(event?.caller.id == "ann@example.com")
        }
    }

    @Test("strangers, unknown events and bodies of another shape are refused, and nothing is stored")
    func refusals() async throws {
        try await ServerWorld.run { world, client in
            let none = try await client.json("/events/shipped", .post, headers: try await world.headers(), body: "{}")
            #expect(none.status == 401)
            let ann = try await world.headers(.ann)
            #expect(try await client.json("/events/recalled", .post, headers: ann, body: "{}").status == 403)
            #expect(try await client.json("/events/lost", .post, headers: ann, body: "{}").status == 404)
            for body in [#"{"kay": "7"}"#, #"{"key": [7]}"#, #"{"key": ""}"#] {
                #expect(try await client.json("/events/shipped", .post, headers: ann, body: body).status == 422)
            }
            let event = try await world.engine.store.read { reader throws(StoreError) in
                try reader.event(EventSubject(name: "shipped"), mode: .test, after: 0, since: world.clock.now())
            }
            #expect(event == nil)
        }
    }
}
