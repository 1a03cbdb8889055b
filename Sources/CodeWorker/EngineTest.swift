import CJavaScriptCore
import CodeFrames

/// What the engine itself is asked before any code runs in it; the first answers also start its threads.
struct EngineTest {
    private let engine: ScriptEngine

    init(_ engine: ScriptEngine) { self.engine = engine }

    var hasNoWebAssembly: Bool { !engine.has("WebAssembly") }

    /// Whether a context holds the names of the language and of the runtime, and no function of another realm.
    var seesNothingForeign: Bool {
        asks(
            """
            (() => {
                const known = new Set('\(Self.names)'.split(' '));
                const seen = new Set(), rest = [globalThis];
                const own = Object.getPrototypeOf(Object.getPrototypeOf(function () {}));
                while (rest.length > 0) {
                    const value = rest.pop();
                    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) continue;
                    if (seen.has(value)) continue;
                    seen.add(value);
                    if (!(value instanceof Object) && Object.getPrototypeOf(value) !== null && value !== own) return false;
                    for (const key of Reflect.ownKeys(value)) {
                        if (value === globalThis && !known.has(key) && typeof key === 'string') return false;
                        const property = Object.getOwnPropertyDescriptor(value, key);
                        if ('value' in property) rest.push(property.value);
                        else rest.push(property.get, property.set);
                    }
                }
                return true;
            })()
            """
        )
    }

    /// Whether the next call's context is another one.
    var forgets: Bool {
        guard let first = engine.takeContext() else { return false }
        _ = try? first.evaluate("globalThis.left = 1; Object.prototype.left = 1; 0", name: "test")
        return asks("typeof left === 'undefined' && ({}).left === undefined")
    }

    /// Whether an endless loop ends.
    var stops: Bool {
        guard engine.hasTimeLimit, let script = engine.takeContext() else { return false }
        engine.setTimeLimit(nanoseconds: 1_000_000)
        do throws(ScriptContext.Thrown) {
            try script.evaluate("for (;;) {}", name: "test")
            return false
        } catch {
            return true
        }
    }

    private func asks(_ question: String) -> Bool {
        guard let script = engine.takeContext() else { return false }
        engine.setTimeLimit(nanoseconds: 2_000_000_000)
        guard let value = try? script.evaluate(question, name: "test") else { return false }
        return JSValueIsBoolean(script.context, value) && JSValueToBoolean(script.context, value)
    }

    /// What the runtime leaves of the language's names, and adds to them.
    private static let names = """
        Array ArrayBuffer AsyncDisposableStack AsyncIterator BigInt BigInt64Array BigUint64Array Boolean DataView Date \
        DisposableStack Error EvalError AggregateError SuppressedError Float16Array Float32Array Float64Array Function \
        Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError \
        ReferenceError Reflect RegExp Set String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array \
        Uint8Array Uint8ClampedArray WeakMap WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape \
        eval globalThis isFinite isNaN parseFloat parseInt undefined unescape \
        console crypto records runFlow fetch HostError Headers Request Response URL URLSearchParams TextEncoder \
        TextDecoder atob btoa structuredClone AbortController AbortSignal DOMException queueMicrotask \
        setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate
        """
}
