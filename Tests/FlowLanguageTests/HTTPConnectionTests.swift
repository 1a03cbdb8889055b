import Expressions
import Testing

@testable import FlowLanguage

@Suite("What app.yaml says about HTTP")
struct HTTPConnectionTests {
    @Test("hosts and addresses are told apart, whatever else they look like")
    func allowances() {
        #expect(HTTPAllowance("Stock.example.com") == .host("stock.example.com", port: nil))
        #expect(HTTPAllowance("stock.example.com:8443") == .host("stock.example.com", port: 8443))
        #expect(HTTPAllowance("*.example.com") == .host("*.example.com", port: nil))
        #expect(HTTPAllowance("127.0.0.1:9000") == .host("127.0.0.1", port: 9_000))
        #expect(HTTPAllowance("127.0.0.1") == .addresses(bytes: [127, 0, 0, 1], length: 32))
        #expect(HTTPAllowance("10.2.0.0/16") == .addresses(bytes: [10, 2, 0, 0], length: 16))
        #expect(HTTPAllowance("::1") == .addresses(bytes: [UInt8](repeating: 0, count: 15) + [1], length: 128))
        for text in ["", "*", "*.com", "a..b", "10.0.0.0/7", "::/8", "1.2.3", "0x7f.1", "a:0", "a:99999", "a b", "a/8"]
        {
            #expect(HTTPAllowance(text) == nil, "\(text)")
        }
    }

    @Test("the mode stands before the last word of a secret's name")
    func secretName() throws {
        let bearer = try #require(HTTPConnection.Authentication(["bearer": "stock.token"]))
        #expect(bearer.secretName(mode: "test") == "stock.test.token")
        #expect(HTTPConnection.Authentication(["bearer": "stock.token", "basic": "stock.login"]) == nil)
        #expect(HTTPConnection.Authentication(["header": "X Key", "secret": "stock.key"]) == nil)
    }

    @Test("reading is safe, PUT and DELETE carry a key, the rest is done once")
    func effects() {
        let effects = Dictionary(uniqueKeysWithValues: HTTPMethod.allCases.map { ($0.rawValue, $0.effect) })
        #expect(
            effects == [
                "GET": .safe, "HEAD": .safe, "OPTIONS": .safe, "PUT": .keyed, "DELETE": .keyed, "POST": .once,
                "PATCH": .once,
            ]
        )
    }

    @Test("a request is a node of its own word, with what expressions give kept apart from the path")
    func compiled() throws {
        let graph = try TestApp.graph(
            """
            flow: test
            kind: page
            access: [customer]
            input: { sku: { type: string } }
            output: { left: '${ blocks.item.body.left }' }
            blocks:
              - id: item
                block: http-request
                connection: stock
                path: /items/${ input.sku }/stock
                query: { full: true }
            """
        )
        let node = try #require(graph.nodes.first)
        #expect(node.action.word == "http-request")
        guard case .command(let command) = node.action else {
            Issue.record("no command")
            return
        }
        #expect(command.effect == .safe && command.connection == "stock")
        guard case .list(let pieces)? = command.data.first(where: { $0.name == "path" })?.value else {
            Issue.record("no pieces")
            return
        }
        #expect(pieces.count == 3)
    }
}
