/// Ways out of sandboxes that are made of language: each gets hold of the function constructor of another realm, from
/// an object that came from there.
///
/// `gift` is `console`: in a test build without the wall `bare-context` it comes from a realm that has `host`, which
/// reads files, opens sockets and starts programs. With the wall there is no other realm to come from.
struct EscapeFamily: Sendable, CustomStringConvertible {
    var name: String
    /// Gives `F`, the constructor; or, with a `return`, what `host` gave.
    var code: String

    var description: String { name }

    private static func gets(_ name: String, _ expression: String) -> EscapeFamily {
        EscapeFamily(name: name, code: "F = \(expression);")
    }

    static let all: [EscapeFamily] = chains + reflection + carriers + evaluation + errors

    private static let chains: [EscapeFamily] = [
        .gets("constructor of a method", "gift.log.constructor"),
        .gets("names put together", "gift['lo' + 'g']['construc' + 'tor']"),
        .gets("escaped names", "gift.log.\\u0063onstructor"),
        .gets("constructor of the object's constructor", "gift.constructor.constructor"),
        .gets("__proto__", "gift.__proto__.constructor.constructor"),
        .gets("constructor of a list", "list.constructor.constructor"),
        .gets("a method of a list", "list.map.constructor"),
        .gets("a list's iterator", "list[Symbol.iterator]().next.constructor"),
        .gets("a method of a date", "date.getTime.constructor"),
        .gets("call", "gift.log.call.constructor"),
        .gets("bind", "gift.log.bind(null).constructor"),
        .gets("toString", "gift.log.toString.constructor"),
        .gets("optional chaining", "gift?.log?.constructor"),
        .gets("the comma operator", "(0, gift.log)[`constructor`]"),
        .gets("species", "Object.getOwnPropertyDescriptor(list.constructor, Symbol.species).get.constructor"),
        .gets("hasInstance", "gift.log.constructor[Symbol.hasInstance].constructor"),
    ]

    private static let reflection: [EscapeFamily] = [
        .gets("getPrototypeOf", "Object.getPrototypeOf(gift).constructor.constructor"),
        .gets("Reflect.getPrototypeOf", "Reflect.getPrototypeOf(gift.log).constructor"),
        .gets("Reflect.get", "Reflect.get(gift.log, 'constructor')"),
        .gets(
            "Reflect.ownKeys",
            "gift[Reflect.ownKeys(gift).find((key) => typeof gift[key] === 'function')].constructor"
        ),
        .gets(
            "a property's descriptor",
            "Object.getOwnPropertyDescriptor(Object.getPrototypeOf(gift.log), 'constructor').value"
        ),
        .gets(
            "getters",
            "Object.values(Object.getOwnPropertyDescriptors(gift)).map((d) => d.get ?? d.value).at(1).constructor"
        ),
        .gets("__lookupGetter__", "(gift.__lookupGetter__('level') ?? gift.log).constructor"),
        .gets("setPrototypeOf", "Object.setPrototypeOf({}, gift.log).constructor"),
        .gets("Object.create", "Object.create(gift.log).constructor"),
        .gets("an empty proxy", "new Proxy(gift.log, {}).constructor"),
        .gets(
            "a proxy's get trap",
            "new Proxy(gift.log, { get: (target, key) => Reflect.get(target, key) })['constructor']"
        ),
        .gets(
            "a proxy's getPrototypeOf trap",
            "Object.getPrototypeOf(new Proxy({}, { getPrototypeOf: () => gift.log })).constructor"
        ),
        .gets("a revocable proxy", "Proxy.revocable(gift.log, {}).proxy.constructor"),
        EscapeFamily(
            name: "prototype pollution",
            code:
                "Object.getPrototypeOf(gift.log).reach = function () { return this.constructor }; F = gift.log.reach();"
        ),
    ]

    private static let carriers: [EscapeFamily] = [
        EscapeFamily(name: "destructuring", code: "({ log: { constructor: F } } = gift);"),
        .gets("a spread copy", "({ ...gift }).log.constructor"),
        .gets("Object.entries", "Object.entries(gift)[0][1].constructor"),
        EscapeFamily(
            name: "for in",
            code: "for (const key in gift) if (typeof gift[key] === 'function') F = gift[key].constructor;"
        ),
        .gets("a map", "new Map([[1, gift.log]]).get(1).constructor"),
        .gets(
            "a weak map",
            "(() => { const m = new WeakMap(), k = {}; m.set(k, gift.log); return m.get(k) })().constructor"
        ),
        .gets("flatMap", "[gift].flatMap((g) => g.log)[0].constructor"),
        .gets("iterator helpers", "Iterator.from([gift.log]).map((f) => f.constructor).next().value"),
        .gets("a generator", "[...(function* () { yield* [gift.log] })()][0].constructor"),
        .gets("an async function", "(await (async () => gift.log)()).constructor"),
        .gets("an async generator", "(await (async function* () { yield gift.log })().next()).value.constructor"),
        .gets("a promise", "await Promise.resolve(gift.log).then((f) => f.constructor)"),
        .gets("a thenable", "await { then: (resolve) => resolve(gift.log.constructor) }"),
        .gets("valueOf", "({ valueOf: gift.log }).valueOf.constructor"),
        .gets(
            "toJSON",
            "(() => { let found; JSON.stringify({ toJSON() { found = gift.log } }); return found })().constructor"
        ),
        .gets("a reviver", "JSON.parse('[1]', () => gift.log).constructor"),
        .gets(
            "a replacer",
            "(() => { let found; JSON.stringify({ gift }, (k, v) => (found ??= v.gift?.log, v)); return found })().constructor"
        ),
    ]

    private static let evaluation: [EscapeFamily] = [
        .gets("indirect eval", "(0, eval)('console').log.constructor"),
        .gets("direct eval", "eval('gift.log.constructor')"),
        .gets("Function", "new Function('gift', 'return gift.log.constructor')(gift)"),
        .gets("with", "new Function('gift', 'with (gift) { return log.constructor }')(gift)"),
        .gets(
            "arguments.callee",
            "new Function('gift', 'arguments.callee.found = gift.log; return arguments.callee.found.constructor')(gift)"
        ),
        EscapeFamily(
            name: "a tagged template",
            code: "F = () => () => gift.log.constructor`return typeof host === 'undefined' ? null : host`();"
        ),
        .gets("Reflect.construct", "(...parts) => Reflect.construct(gift.log.constructor, parts)"),
        EscapeFamily(
            name: "a class that extends it",
            code: "class Reach extends gift.log.constructor {} F = (text) => new Reach(text);"
        ),
        .gets(
            "the generator constructor",
            "(text) => gift.log.constructor('return (function* () {}).constructor')()(text).bind()"
        ),
        EscapeFamily(
            name: "the async constructor",
            code:
                "const A = gift.log.constructor('return (async () => {}).constructor')(); const got = await A(\"return typeof host === 'undefined' ? null : host\")(); return got?.(word, argument) ?? null;"
        ),
        EscapeFamily(
            name: "import()",
            code:
                "const got = await gift.log.constructor('return import(\"node:fs\").catch(() => typeof host === \"undefined\" ? null : host)')(); return got?.(word, argument) ?? null;"
        ),
    ]

    private static let errors: [EscapeFamily] = [
        EscapeFamily(
            name: "a TypeError from there",
            code: "try { list.reduce() } catch (error) { F = error.constructor.constructor }"
        ),
        EscapeFamily(
            name: "a RangeError from there",
            code: "try { list.with(99, 1) } catch (error) { F = error.constructor.constructor }"
        ),
        EscapeFamily(
            name: "a SyntaxError from there",
            code: "try { gift.log.constructor('}') } catch (error) { F = error.constructor.constructor }"
        ),
        EscapeFamily(
            name: "prepareStackTrace",
            code:
                "Error.prepareStackTrace = (error, frames) => frames; const frames = new Error().stack; F = (frames?.[0]?.getThis?.() ?? gift).log.constructor;"
        ),
        EscapeFamily(
            name: "an error's cause",
            code: "try { throw new Error('x', { cause: gift.log }) } catch (error) { F = error.cause.constructor }"
        ),
        EscapeFamily(
            name: "finally",
            code: "try { throw gift.log } catch (thrown) { F = thrown } finally { F = F.constructor }"
        ),
    ]

    /// What an escape is after, each with an argument.
    static let aims: [(word: String, argument: String)] = [
        ("read", "/etc/passwd"), ("write", "/tmp/runnel-escape"), ("list", ""), ("connect", ""), ("spawn", ""),
        ("environment", ""), ("memory", ""), ("parent", ""),
    ]

    /// The whole program: null when nothing was got.
    func program(_ aim: (word: String, argument: String)) -> String {
        """
        const gift = console, list = gift.list ?? [1], date = gift.at ?? new Date();
        const word = '\(aim.word)', argument = '\(aim.argument)';
        let F = null;
        try {
          \(code)
          let found = F("return typeof host === 'undefined' ? undefined : host")();
          if (typeof found?.next === 'function') found = found.next().value;
          return typeof found === 'function' ? found(word, argument) : null;
        } catch (error) {
          return null;
        }
        """
    }
}
