import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import CustomCode

@Suite("Code finds the names that browsers and servers have, as far as it has a use for them")
struct WebNamesTests {
    /// Each is true in any browser.
    static let statements = [
        "new URL('../b?x=1#h', 'https://Example.com:443/a/c/d').href === 'https://example.com/a/b?x=1#h'",
        "new URL('https://u:p@h:8080/ü?q=ü&r=a b').href === 'https://u:p@h:8080/%C3%BC?q=%C3%BC&r=a%20b'",
        "(() => { const u = new URL('https://h/'); u.searchParams.append('a', 'x y'); u.pathname = 'p'; return u + '' })() === 'https://h/p?a=x+y'",
        "(() => { try { new URL('/relative') } catch (e) { return e instanceof TypeError } })()",
        "URL.canParse('https://h') && !URL.canParse('h') && new URL('https://h:80').port === '80' && new URL('https://h').origin === 'https://h'",
        "new URLSearchParams({ a: 1, b: 'ü&' }).toString() === 'a=1&b=%C3%BC%26'",
        "[...new URLSearchParams('?a=1&a=2&b')].join() === 'a,1,a,2,b,' && new URLSearchParams('a=1&a=2').getAll('a').length === 2",
        "new TextDecoder().decode(new TextEncoder().encode('für €😀')) === 'für €😀'",
        "new TextDecoder().decode(new Uint8Array([0xe2, 0x82, 0x41, 0xff])) === '\\ufffdA\\ufffd'",
        "(() => { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])) } catch (e) { return e instanceof TypeError } })()",
        "btoa('a\\u00ff\\u0000b') === 'Yf8AYg==' && atob(' Yf8AYg') === 'a\\u00ff\\u0000b'",
        "(() => { try { atob('%') } catch (e) { return e.name === 'InvalidCharacterError' } })()",
        "(() => { const a = { d: new Date(5), m: new Map([[1, new Set([2])]]) }; a.a = a; const b = structuredClone(a); return b.a === b && b !== a && b.d.getTime() === 5 && b.m.get(1).has(2) })()",
        "(() => { try { structuredClone(() => 1) } catch (e) { return e.name === 'DataCloneError' && e instanceof DOMException } })()",
        "(() => { const h = new Headers({ 'X-B': ' 1 ' }); h.append('x-b', '2'); h.set('A', '0'); return JSON.stringify([...h]) })() === '[[\"a\",\"0\"],[\"x-b\",\"1, 2\"]]'",
        "(() => { try { new Headers({ 'a b': '1' }) } catch (e) { return e instanceof TypeError } })()",
        "await new Response('{\"a\":1}', { status: 201 }).json().then((v) => v.a) === 1 && new Response(null, { status: 404 }).ok === false",
        "(await Response.json({ a: 1 }).clone().text()) === '{\"a\":1}' && Response.json(1).headers.get('content-type') === 'application/json'",
        "new Uint8Array(await new Response(new Uint8Array([1, 255])).arrayBuffer()).join() === '1,255'",
        "await (async () => { const r = new Response('a'); await r.text(); return r.text().catch((e) => r.bodyUsed && e instanceof TypeError) })()",
        "new Request('https://h/a', { method: 'post', body: 'x' }).method === 'POST'",
        "(() => { const c = new AbortController(); let heard = 0; c.signal.addEventListener('abort', () => heard++); c.abort(); c.abort(); return heard === 1 && c.signal.reason.name === 'AbortError' })()",
        "await fetch('https://h/', { signal: AbortSignal.abort() }).catch((e) => e.name === 'AbortError')",
        "await new Promise((resolve) => queueMicrotask(() => resolve(true)))",
        "typeof WebAssembly === 'undefined' && typeof SharedArrayBuffer === 'undefined' && typeof Atomics === 'undefined'",
        "typeof require === 'undefined' && typeof process === 'undefined' && typeof Buffer === 'undefined' && crypto.subtle === undefined",
        "typeof URL === 'function' && Object.keys(globalThis).includes('URL') === false",
    ]

    @Test("statements that hold in browsers hold here", arguments: statements)
    func holds(_ statement: String) async throws {
        #expect(try await CodeDesk().value("return \(statement)") == true)
    }

    @Test("a name that other surroundings have is answered with what is here instead")
    func hints() async throws {
        let desk = try CodeDesk()
        for (code, hint) in [
            ("return require('stripe')", "there are no modules"), ("return process.env.KEY", "comes in 'args'"),
            ("return Buffer.from('a')", "TextEncoder"), ("setTimeout(() => {}, 1)", "the block 'wait'"),
        ] {
            let failure = try await desk.failure(code)
            #expect(failure.message.contains(hint), "\(failure.message)")
        }
    }

    private static let http = ConnectionDeclaration(
        name: "shop",
        service: "http",
        settings: ["url": "https://shop.example.com", "allow": ["other.example.com"]],
        range: SourceRange(file: "app.yaml", start: .start, end: .start)
    )

    @Test("fetch gives a Response: status, headers, text, JSON and bytes; and follows where it is sent")
    func fetches() async throws {
        let desk = try CodeDesk(connections: [Self.http])
        let job = CodeDesk.job(
            """
            const made = await fetch(new URL('/orders', 'https://shop.example.com'), {
              method: 'POST', headers: new Headers({ 'X-A': 'b' }), body: new URLSearchParams({ a: '1 2' }),
            });
            const image = await fetch('https://shop.example.com/i', { method: 'PUT', body: new Uint8Array([0, 255]) });
            const bytes = new Uint8Array(await image.arrayBuffer());
            return [made.status, made.ok, made.url, made.redirected, made.headers.get('Content-Type'), [...made.headers].length,
              await made.clone().text(), (await made.json()).id, [...bytes], image.statusText];
            """
        )
        let result = try await desk.played(
            job,
            [
                OutsideAnswer(status: 303, headers: ["location": "https://other.example.com/o/1"]),
                .json("{\"id\":7}", status: 200), OutsideAnswer(status: 200, body: [137, 80, 255]),
            ]
        )
        #expect(
            result.value == [
                200, true, "https://other.example.com/o/1", true, "application/json", 2, "{\"id\":7}", 7,
                [137, 80, 255],
                "",
            ]
        )
        #expect(result.requests.map(\.method) == ["POST", "GET", "PUT"])
        #expect(result.requests[0].headers["x-a"] == "b")
        #expect(
            result.requests[0].headers["content-type"] == "application/x-www-form-urlencoded;charset=UTF-8"
        )
        #expect(String(decoding: result.requests[0].body, as: UTF8.self) == "a=1+2")
        #expect(result.requests[1].headers["content-type"] == nil)
        #expect(result.requests[2].body == [0, 255])
    }

    @Test(
        "what fetch cannot do is a TypeError that says why",
        arguments: [
            ("'https://elsewhere.example.com/'", "no host of a connection"), ("'/orders'", "is no URL"),
            ("'https://shop.example.com/', { headers: { Authorization: 'a' } }", "'auth' of the connection"),
            ("'https://shop.example.com/', { method: 'GET', body: 'a' }", "has no body"),
            ("'https://shop.example.com/', { agent: 1 }", "does not know the option"),
            ("'https://u:p@shop.example.com/'", "names no user"), ("'file:///etc/passwd'", "fetch takes a URL"),
            ("'http://shop.example.com@169.254.169.254/'", "names no user"),
        ]
    )
    func refused(_ arguments: String, _ reason: String) async throws {
        let desk = try CodeDesk(connections: [Self.http])
        let code = "return await fetch(\(arguments)).catch((e) => e instanceof TypeError ? e.message : 'other ' + e)"
        let value = try await desk.value(code)
        #expect(value.stringValue?.contains(reason) == true, "\(value)")
    }
}
