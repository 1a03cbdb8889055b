// What a builder's code finds in its global object beside the language. Evaluated first in each new context, by the
// worker, which calls this function with the two native functions there are: one tells the worker, one evaluates another
// program of this folder. The code itself is never trusted: whatever it does to the objects here, it does to its own
// call, and the host checks every frame.
(function (native, load, global) {
    "use strict";
    const { parse, stringify, rawJSON } = JSON;
    const { defineProperty, getOwnPropertyDescriptor, keys } = Object;
    const { construct } = Reflect;
    const then = Function.prototype.call.bind(Promise.prototype.then);
    const slice = Function.prototype.call.bind(String.prototype.slice);
    const isInteger = /^-?\d+$/;
    const ASK = 1, LOG = 2, RETURNED = 3, FAILED = 4;
    const STRIPE = 1, WEB = 2;

    let now = 0, seed = "", bigints = false, calls = 0;
    let pending = [];

    const hide = (object, name, value) =>
        defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });

    // JSON, with integers beyond 2^53 as BigInt where the block says so.
    const read = (text) => bigints
        ? parse(text, (key, value, { source }) =>
            typeof value === "number" && !Number.isSafeInteger(value) && isInteger.test(source) ? BigInt(source) : value)
        : parse(text);
    const write = (value) => bigints
        ? stringify(value, (key, value) => typeof value === "bigint" ? rawJSON(String(value)) : value)
        : stringify(value);

    // Time stands still at the block's recorded moment.
    const RealDate = Date;
    function FixedDate(...parts) {
        if (new.target === undefined) return new RealDate(now).toString();
        return construct(RealDate, parts.length === 0 ? [now] : parts, new.target);
    }
    defineProperty(FixedDate, "prototype", { value: RealDate.prototype, writable: false });
    defineProperty(FixedDate, "name", { value: "Date", configurable: true });
    defineProperty(FixedDate, "length", { value: 7, configurable: true });
    hide(FixedDate, "now", () => now);
    hide(FixedDate, "parse", RealDate.parse);
    hide(FixedDate, "UTC", RealDate.UTC);
    hide(RealDate.prototype, "constructor", FixedDate);
    hide(global, "Date", FixedDate);
    const RealIntl = global.Intl;
    defineProperty(global, "Intl", {
        configurable: true,
        enumerable: false,
        get() {
            const prototype = RealIntl.DateTimeFormat.prototype;
            const format = getOwnPropertyDescriptor(prototype, "format").get;
            const parts = prototype.formatToParts;
            defineProperty(prototype, "format", {
                configurable: true,
                get() {
                    const bound = format.call(this);
                    return (date) => bound(date === undefined ? now : date);
                },
            });
            hide(prototype, "formatToParts", function (date) { return parts.call(this, date === undefined ? now : date); });
            hide(global, "Intl", RealIntl);
            return RealIntl;
        },
        set(value) { hide(global, "Intl", value); },
    });

    // Chance is ChaCha20's key stream from the block's recorded seed: nobody else's numbers tell anything about it.
    let words = null, block = null, used = 16;
    const rotate = (word, bits) => (word << bits) | (word >>> (32 - bits));
    function quarter(w, a, b, c, d) {
        w[a] += w[b]; w[d] = rotate(w[d] ^ w[a], 16);
        w[c] += w[d]; w[b] = rotate(w[b] ^ w[c], 12);
        w[a] += w[b]; w[d] = rotate(w[d] ^ w[a], 8);
        w[c] += w[d]; w[b] = rotate(w[b] ^ w[c], 7);
    }
    function draw() {
        if (used < 16) return block[used++];
        if (words === null) {
            words = new Uint32Array(16);
            words.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
            for (let i = 0; i < 8; i++) words[4 + i] = parseInt(seed.slice(8 * i, 8 * i + 8), 16);
        }
        block = new Uint32Array(words);
        for (let round = 0; round < 10; round++) {
            quarter(block, 0, 4, 8, 12); quarter(block, 1, 5, 9, 13); quarter(block, 2, 6, 10, 14); quarter(block, 3, 7, 11, 15);
            quarter(block, 0, 5, 10, 15); quarter(block, 1, 6, 11, 12); quarter(block, 2, 7, 8, 13); quarter(block, 3, 4, 9, 14);
        }
        for (let i = 0; i < 16; i++) block[i] += words[i];
        words[12]++;
        used = 1;
        return block[0];
    }
    hide(Math, "random", () => (draw() * 0x200000 + (draw() >>> 11)) / 0x20000000000000);
    const hex = (word) => word.toString(16).padStart(8, "0");
    global.crypto = {
        randomUUID() {
            const text = hex(draw()) + hex(draw()) + hex(draw()) + hex(draw());
            const variant = "89ab"[parseInt(text[16], 16) & 3];
            return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
        },
        getRandomValues(array) {
            const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
            for (let i = 0; i < bytes.length; i++) bytes[i] = draw();
            return array;
        },
    };

    // The run's log.
    function shown(value) {
        try {
            if (typeof value === "string") return value;
            if (value instanceof Error) return `${value.name}: ${value.message}`;
            const text = typeof value === "object" ? stringify(value) : undefined;
            return text === undefined ? String(value) : text;
        } catch {
            return `[${typeof value}]`;
        }
    }
    // `%s` and its like stand for the values that follow.
    function joined(values) {
        if (typeof values[0] !== "string" || values.length < 2) return values.map(shown).join(" ");
        let next = 1;
        const text = values[0].replace(/%[sdifjoOc%]/g, (mark) => {
            if (mark === "%%") return "%";
            if (next >= values.length) return mark;
            const value = values[next++];
            return mark === "%c" ? "" : mark === "%d" || mark === "%i" ? String(Number(value)) : shown(value);
        });
        return [text, ...values.slice(next).map(shown)].join(" ");
    }
    const line = (level) => (...values) => { native(LOG, level, joined(values)); };
    const nothing = () => undefined;
    global.console = {
        debug: line("debug"), log: line("info"), info: line("info"), warn: line("warning"), error: line("error"),
        trace: line("debug"), dir: (value) => line("info")(value), table: (value) => line("info")(value),
        assert: (holds, ...values) => { if (!holds) line("error")("Assertion failed:", ...values); },
        group: line("info"), groupCollapsed: line("info"), groupEnd: nothing, time: nothing, timeEnd: nothing, count: nothing,
    };

    // Host calls. They are answered one at a time, in the order in which they were made, now and at every repetition.
    function ask(name, ...values) {
        return new Promise((resolve, reject) => {
            const json = write(values);
            const index = calls++;
            pending[index] = { resolve, reject };
            native(ASK, name, json);
        });
    }

    class HostError extends Error {
        constructor(failure) {
            super(failure.message);
            for (const key of keys(failure)) if (key !== "message" && failure[key] !== null) this[key] = failure[key];
        }
        get name() { return "HostError"; }
    }
    global.HostError = HostError;

    function settle(index, outcome, status, headers, body, isBinary) {
        const { resolve, reject } = pending[index];
        pending[index] = undefined;
        try {
            if (outcome === 0) resolve(read(body));
            // Bytes that are no text come as one character each.
            else if (outcome === 1) resolve({ status, headers: parse(headers), body, isBinary });
            else reject(new HostError(parse(body)));
        } catch (error) {
            reject(error);
        }
    }

    const plain = (value, name) => {
        if (value === null || typeof value !== "object" || Array.isArray(value)) throw new TypeError(`${name} must be an object`);
        return value;
    };
    const named = (value, name) => {
        if (typeof value !== "string") throw new TypeError(`${name} must be a string`);
        return value;
    };
    global.records = {
        find: (table, where = {}, options = {}) =>
            ask("records.find", named(table, "the table"), plain(where, "where"), plain(options, "options")),
        findOne: async (table, where = {}, options = {}) =>
            (await global.records.find(table, where, { ...options, limit: 1 }))[0] ?? null,
        insert: (table, set) => ask("records.insert", named(table, "the table"), plain(set, "the values")),
        upsert: (table, set, { on } = {}) =>
            ask("records.upsert", named(table, "the table"), plain(set, "the values"), named(on, "on")),
        update: (table, where, set, options = {}) =>
            ask("records.update", named(table, "the table"), plain(where, "where"), plain(set, "the values"), plain(options, "options")),
        delete: (table, where, options = {}) =>
            ask("records.delete", named(table, "the table"), plain(where, "where"), plain(options, "options")),
    };
    global.runFlow = (flow, input = {}, { mode = "wait" } = {}) =>
        ask("runFlow", named(flow, "the flow"), plain(input, "the input"), named(mode, "mode"));

    // What browsers and servers have beside the language is made at the first look.
    const webNames = [
        "fetch", "Headers", "Request", "Response", "URL", "URLSearchParams", "TextEncoder", "TextDecoder", "atob", "btoa",
        "structuredClone", "AbortController", "AbortSignal", "DOMException", "queueMicrotask",
    ];
    let madeWeb;
    const web = () => madeWeb ??= load(WEB)({ ask, read, HostError });
    const setter = (name) => (value) => {
        defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
    };
    for (const name of webNames) {
        defineProperty(global, name, {
            configurable: true,
            enumerable: false,
            get() {
                const value = web()[name];
                hide(global, name, value);
                return value;
            },
            set: setter(name),
        });
    }
    // Time stands still here: waiting is the flow's affair.
    for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
        hide(global, name, () => { throw new TypeError(`code has no timers, so no ${name}: a flow waits with the block 'wait'`); });
    }
    for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) hide(global, name, () => undefined);

    // Names that are not the language's own go, whatever the engine's version brings; and so does what makes one call
    // differ from its repetition (WeakRef, FinalizationRegistry), or waits without the host knowing (Atomics).
    const known = new Set([
        "Array", "ArrayBuffer", "AsyncDisposableStack", "AsyncIterator", "BigInt", "BigInt64Array", "BigUint64Array",
        "Boolean", "DataView", "Date", "DisposableStack", "Error", "EvalError", "AggregateError", "SuppressedError",
        "Float16Array", "Float32Array", "Float64Array", "Function", "Infinity", "Int16Array", "Int32Array", "Int8Array",
        "Intl", "Iterator", "JSON", "Map", "Math", "NaN", "Number", "Object", "Promise", "Proxy", "RangeError",
        "ReferenceError", "Reflect", "RegExp", "Set", "String", "Symbol", "SyntaxError", "TypeError", "URIError",
        "Uint16Array", "Uint32Array", "Uint8Array", "Uint8ClampedArray", "WeakMap", "WeakSet", "decodeURI",
        "decodeURIComponent", "encodeURI", "encodeURIComponent", "escape", "eval", "globalThis", "isFinite", "isNaN",
        "parseFloat", "parseInt", "undefined", "unescape",
        "console", "crypto", "records", "runFlow", "HostError", ...webNames,
        "setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate",
    ]);
    for (const name of Object.getOwnPropertyNames(global)) if (!known.has(name)) delete global[name];

    // MARK: For the worker

    // However much was thrown, a few thousand characters of it are told.
    const cut = (text, count) => (typeof text === "string" && text.length > count ? slice(text, 0, count) : text);
    function thrown(error) {
        let message = "something that cannot be shown", json = "", stack = "";
        try {
            if (error !== null && typeof error === "object") {
                stack = cut(String(error.stack ?? ""), 16384);
                const label = error.name === undefined ? "" : `${cut(error.name, 200)}: `;
                message = error.message === undefined ? shown(error) : label + cut(error.message, 4096);
                const { name, type, code, decline_code, param, statusCode, requestId, status } = error;
                json = stringify({ name, type, code, decline_code, param, statusCode, requestId, status, message: cut(error.message, 4096) });
            } else {
                message = String(error);
            }
        } catch {
            // A getter of the thrown object threw: what is known so far is told.
        }
        native(FAILED, cut(message, 4096), cut(json ?? "", 16384), stack);
    }
    function returned(value) {
        let json;
        try {
            json = value === undefined ? "null" : write(value);
            if (json === undefined) throw new TypeError(`a ${typeof value} cannot be returned`);
        } catch (error) {
            return thrown(error);
        }
        native(RETURNED, json);
    }
    return {
        begin(time, text, hasBigInts) {
            now = time;
            seed = text;
            bigints = hasBigInts;
        },
        define(name, json, refusal) {
            defineProperty(global, name, {
                configurable: true,
                enumerable: true,
                get() {
                    if (refusal !== "") throw new TypeError(refusal);
                    const value = read(json);
                    defineProperty(global, name, { value, writable: true, configurable: true, enumerable: true });
                    return value;
                },
                set(value) { defineProperty(global, name, { value, writable: true, configurable: true, enumerable: true }); },
            });
        },
        /// Puts the Stripe client in place; its program is evaluated at the first look.
        stripe() {
            let made;
            const warn = (text) => native(LOG, "warning", text);
            const make = () => made ??= load(STRIPE)({ ask, read, warn, now: () => now });
            for (const name of ["stripe", "Stripe"]) {
                defineProperty(global, name, {
                    configurable: true,
                    enumerable: true,
                    get() { return make()[name]; },
                    set(value) { defineProperty(global, name, { value, writable: true, configurable: true, enumerable: true }); },
                });
            }
        },
        run(body) { then(body(), returned, thrown); },
        settle,
        thrown,
    };
})
