import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import CustomCode

/// Each probe leaves something behind in one call and looks for it in the next, which the same worker runs.
@Suite("Nothing of one call is seen by the next")
struct StateProbeTests {
    /// What the first call does, and what the second must find false.
    static let probes: [(leave: String, look: String)] = [
        ("globalThis.left = 1", "typeof left !== 'undefined'"),
        ("left = 1", "typeof left !== 'undefined'"),
        ("var left = 1; globalThis['left'] = left", "'left' in globalThis"),
        ("Object.prototype.left = 1", "({}).left === 1"),
        ("Array.prototype.left = 1", "[].left === 1"),
        ("Function.prototype.left = 1", "(() => 1).left === 1"),
        ("String.prototype.left = 1", "''.left === 1"),
        ("Number.prototype.left = 1", "(1).left === 1"),
        ("Boolean.prototype.left = 1", "true.left === 1"),
        ("Symbol.prototype.left = 1", "Symbol().left === 1"),
        ("BigInt.prototype.left = 1", "1n.left === 1"),
        ("RegExp.prototype.left = 1", "/x/.left === 1"),
        ("Date.prototype.left = 1", "new Date().left === 1"),
        ("Map.prototype.left = 1", "new Map().left === 1"),
        ("Set.prototype.left = 1", "new Set().left === 1"),
        ("WeakMap.prototype.left = 1", "new WeakMap().left === 1"),
        ("Promise.prototype.left = 1", "Promise.resolve().left === 1"),
        ("Error.prototype.left = 1", "new Error().left === 1"),
        ("Math.left = 1", "Math.left === 1"),
        ("JSON.left = 1", "JSON.left === 1"),
        ("Reflect.left = 1", "Reflect.left === 1"),
        ("Intl.left = 1", "Intl.left === 1"),
        ("console.left = 1", "console.left === 1"),
        ("records.left = 1", "records.left === 1"),
        ("stripe.left = 1", "stripe.left === 1"),
        ("stripe.customers.left = 1", "stripe.customers.left === 1"),
        ("Stripe.left = 1", "Stripe.left === 1"),
        ("Stripe.errors.StripeError.prototype.left = 1", "new Stripe.errors.StripeError().left === 1"),
        ("crypto.left = 1", "crypto.left === 1"),
        ("fetch.left = 1", "fetch.left === 1"),
        ("args.left = 1", "args.left === 1"),
        ("JSON.parse = () => 'left'", "JSON.parse('1') === 'left'"),
        ("JSON.stringify = () => 'left'", "JSON.stringify(1) === 'left'"),
        ("Math.random = () => 'left'", "Math.random() === 'left'"),
        ("Date.now = () => 'left'", "Date.now() === 'left'"),
        ("Promise.prototype.then = function () { return 'left' }", "Promise.resolve().then(() => 1) === 'left'"),
        ("Array.prototype.map = () => 'left'", "[1].map((x) => x) === 'left'"),
        ("Array.prototype[Symbol.iterator] = function* () { yield 'left' }", "[...[1]][0] === 'left'"),
        (
            "Symbol.for('shared').description; globalThis[Symbol.for('left')] = 1",
            "globalThis[Symbol.for('left')] === 1"
        ),
        ("/(left)/.exec('left')", "RegExp.$1 === 'left' || RegExp.lastMatch === 'left'"),
        ("Error.prepareStackTrace = () => 'left'", "Error.prepareStackTrace !== undefined"),
        ("Error.stackTraceLimit = 3", "Error.stackTraceLimit === 3"),
        (
            "Object.setPrototypeOf(Object.prototype.__proto__ ?? {}, null); globalThis.__proto__.left = 1",
            "globalThis.__proto__.left === 1"
        ),
        ("Object.freeze(Array.prototype)", "Object.isFrozen(Array.prototype)"),
        (
            "Object.defineProperty(Object.prototype, 'then', { get() { return undefined }, configurable: true })",
            "'then' in {}"
        ),
        ("eval('var leftByEval = 1'); globalThis.leftByEval = 1", "typeof leftByEval !== 'undefined'"),
        ("new Function('globalThis.left = 1')()", "typeof left !== 'undefined'"),
        ("class Left {}; globalThis.Left = Left", "typeof Left !== 'undefined'"),
        ("console.log = () => 'left'", "console.log() === 'left'"),
        ("globalThis.undefinedThing = async () => { for (;;) await null }", "typeof undefinedThing !== 'undefined'"),
        ("Object.getPrototypeOf(async function () {}).left = 1", "(async () => {}).left === 1"),
        ("Object.getPrototypeOf(function* () {}).left = 1", "(function* () {}).left === 1"),
        ("Uint8Array.prototype.left = 1", "new Uint8Array(1).left === 1"),
        ("''.at.left = 1", "''.at.left === 1"),
    ]

    @Test("a probe in one call finds nothing in the next")
    func probes() async throws {
        let desk = try CodeDesk()
        #expect(Self.probes.count >= 50)
        for (number, probe) in Self.probes.enumerated() {
            // However the first call ends: what counts is what it left.
            _ = await desk.pool.advance(CodeDesk.job(probe.leave + "\nreturn 1", run: Int64(number)), answers: [])
            #expect(try await desk.value("return \(probe.look)") == false, "\(probe.leave)")
        }
    }

    @Test("the same probes find what was left when calls share their global objects")
    func withoutTheWall() async throws {
        let desk = try CodeDesk(options: ["without=fresh-context", "unproved"])
        #expect(try await desk.value("globalThis.left = 1; return 1") == 1)
        #expect(try await desk.value("return typeof left !== 'undefined'") == true)
    }
}
