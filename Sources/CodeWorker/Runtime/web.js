// What JavaScript finds in browsers and servers beside the language, as far as code without a network has a use for it:
// `fetch` and its kin, URLs, UTF-8, base64. Evaluated at the code's first look at one of the names.
(function (host) {
    "use strict";
    const { ask, read, HostError } = host;

    class DOMException extends Error {
        #name;
        constructor(message = "", name = "Error") {
            super(message);
            this.#name = String(name);
        }
        get name() { return this.#name; }
    }

    // MARK: Bytes

    function encode(text) {
        const bytes = [];
        for (let i = 0; i < text.length; i++) {
            let unit = text.charCodeAt(i);
            if (unit >= 0xd800 && unit < 0xe000) {
                const next = text.charCodeAt(i + 1);
                if (unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
                    i++;
                } else {
                    unit = 0xfffd;
                }
            }
            if (unit < 0x80) bytes.push(unit);
            else if (unit < 0x800) bytes.push(0xc0 | unit >> 6, 0x80 | unit & 63);
            else if (unit < 0x10000) bytes.push(0xe0 | unit >> 12, 0x80 | unit >> 6 & 63, 0x80 | unit & 63);
            else bytes.push(0xf0 | unit >> 18, 0x80 | unit >> 12 & 63, 0x80 | unit >> 6 & 63, 0x80 | unit & 63);
        }
        return new Uint8Array(bytes);
    }

    // What is no UTF-8 becomes U+FFFD, one for each longest piece that could have become something.
    function decode(bytes, isFatal) {
        const parts = [];
        let text = "";
        const add = (code) => {
            text += String.fromCodePoint(code);
            if (text.length > 8192) { parts.push(text); text = ""; }
        };
        for (let i = 0; i < bytes.length;) {
            const first = bytes[i++];
            if (first < 0x80) { add(first); continue; }
            const count = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
            let code = count === 1 ? first & 31 : count === 2 ? first & 15 : first & 7;
            let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
            let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
            let isWhole = count > 0;
            for (let step = 0; step < count; step++) {
                if (!(bytes[i] >= low && bytes[i] <= high)) { isWhole = false; break; }
                code = code << 6 | bytes[i++] & 63;
                low = 0x80;
                high = 0xbf;
            }
            if (!isWhole && isFatal) throw new TypeError("the bytes are no UTF-8");
            add(isWhole ? code : 0xfffd);
        }
        parts.push(text);
        return parts.join("");
    }

    const bytesOf = (value) => {
        if (value instanceof ArrayBuffer) return new Uint8Array(value);
        if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
        return null;
    };

    class TextEncoder {
        get encoding() { return "utf-8"; }
        encode(text = "") { return encode(String(text)); }
        encodeInto(text, array) {
            let written = 0, units = 0;
            for (const character of String(text)) {
                const bytes = encode(character);
                if (written + bytes.length > array.length) break;
                array.set(bytes, written);
                written += bytes.length;
                units += character.length;
            }
            return { read: units, written };
        }
    }

    class TextDecoder {
        #isFatal;
        #keepsMark;
        constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
            if (!/^\s*(unicode-1-1-)?utf-?8\s*$/i.test(label)) throw new RangeError(`only UTF-8 can be decoded, not '${label}'`);
            this.#isFatal = Boolean(fatal);
            this.#keepsMark = Boolean(ignoreBOM);
        }
        get encoding() { return "utf-8"; }
        get fatal() { return this.#isFatal; }
        get ignoreBOM() { return this.#keepsMark; }
        decode(source, { stream = false } = {}) {
            if (stream) throw new TypeError("a TextDecoder does not decode piece by piece here");
            if (source === undefined) return "";
            const bytes = bytesOf(source);
            if (bytes === null) throw new TypeError("decode takes an ArrayBuffer or a view of one");
            const text = decode(bytes, this.#isFatal);
            return text.charCodeAt(0) === 0xfeff && !this.#keepsMark ? text.slice(1) : text;
        }
    }

    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    function base64(bytes) {
        let text = "";
        for (let i = 0; i < bytes.length; i += 3) {
            const word = bytes[i] << 16 | (bytes[i + 1] ?? 0) << 8 | (bytes[i + 2] ?? 0);
            text += digits[word >> 18] + digits[word >> 12 & 63];
            text += i + 1 < bytes.length ? digits[word >> 6 & 63] : "=";
            text += i + 2 < bytes.length ? digits[word & 63] : "=";
        }
        return text;
    }
    function btoa(value) {
        const text = String(value), bytes = new Uint8Array(text.length);
        for (let i = 0; i < text.length; i++) {
            const unit = text.charCodeAt(i);
            if (unit > 255) throw new DOMException("btoa takes characters up to U+00FF alone", "InvalidCharacterError");
            bytes[i] = unit;
        }
        return base64(bytes);
    }
    function atob(value) {
        const invalid = () => new DOMException("what atob is given is not base64", "InvalidCharacterError");
        let text = String(value).replace(/[\t\n\f\r ]/g, "");
        if (text.length % 4 === 0) text = text.replace(/==?$/, "");
        if (text.length % 4 === 1) throw invalid();
        let result = "", word = 0, bits = 0;
        for (const digit of text) {
            const place = digits.indexOf(digit);
            if (place < 0) throw invalid();
            word = (word << 6 | place) & 0xffffff;
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                result += String.fromCharCode(word >> bits & 255);
            }
        }
        return result;
    }

    // MARK: Copies

    function structuredClone(value, { transfer = [] } = {}) {
        const seen = new Map();
        const refuse = (what) => { throw new DOMException(`${what} cannot be cloned`, "DataCloneError"); };
        if (transfer.length > 0) refuse("what is to be transferred");
        function copy(value) {
            if (typeof value === "function" || typeof value === "symbol") refuse(`a ${typeof value}`);
            if (value === null || typeof value !== "object") return value;
            if (seen.has(value)) return seen.get(value);
            const keep = (made) => { seen.set(value, made); return made; };
            if (value instanceof Boolean || value instanceof Number || value instanceof String) return keep(Object(value.valueOf()));
            if (value instanceof Date) return keep(new Date(value.getTime()));
            if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
            if (value instanceof ArrayBuffer) return keep(value.slice(0));
            if (ArrayBuffer.isView(value)) {
                const buffer = copy(value.buffer);
                const length = value instanceof DataView ? value.byteLength : value.length;
                return keep(new value.constructor(buffer, value.byteOffset, length));
            }
            if (value instanceof Map) {
                const made = keep(new Map());
                for (const [key, item] of value) made.set(copy(key), copy(item));
                return made;
            }
            if (value instanceof Set) {
                const made = keep(new Set());
                for (const item of value) made.add(copy(item));
                return made;
            }
            if (value instanceof Error) {
                const kinds = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
                const made = keep(new (kinds[value.name] ?? Error)(value.message));
                if ("cause" in value) made.cause = copy(value.cause);
                return made;
            }
            if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) refuse("the object");
            const made = keep(Array.isArray(value) ? new Array(value.length) : {});
            for (const key of Object.keys(value)) {
                Object.defineProperty(made, key, { value: copy(value[key]), writable: true, configurable: true, enumerable: true });
            }
            return made;
        }
        return copy(value);
    }

    // MARK: URLs

    const isToken = (text) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
    const percent = (text, keep) => {
        let result = "";
        for (const character of text) {
            if (keep.test(character)) { result += character; continue; }
            for (const byte of encode(character)) result += "%" + byte.toString(16).toUpperCase().padStart(2, "0");
        }
        return result;
    };
    const unescaped = (text) => {
        const bytes = [], source = encode(text);
        for (let i = 0; i < source.length; i++) {
            const pair = source[i] === 0x25 ? String.fromCharCode(source[i + 1] ?? 0, source[i + 2] ?? 0) : "";
            if (/^[0-9A-Fa-f]{2}$/.test(pair)) { bytes.push(parseInt(pair, 16)); i += 2; } else bytes.push(source[i]);
        }
        return decode(bytes, false);
    };

    class URLSearchParams {
        #pairs = [];
        #changed;
        constructor(init = "", changed = undefined) {
            this.#changed = typeof changed === "function" ? changed : () => undefined;
            if (init === null || init === undefined) return;
            if (typeof init === "object" || typeof init === "function") {
                const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
                for (const pair of pairs) {
                    const items = [...pair];
                    if (items.length !== 2) throw new TypeError("each pair of URLSearchParams has a name and a value");
                    this.#pairs.push([String(items[0]), String(items[1])]);
                }
                return;
            }
            const plain = (text) => unescaped(text.replaceAll("+", " "));
            for (const part of String(init).replace(/^\?/, "").split("&")) {
                if (part === "") continue;
                const equals = part.indexOf("=");
                this.#pairs.push(equals < 0 ? [plain(part), ""] : [plain(part.slice(0, equals)), plain(part.slice(equals + 1))]);
            }
        }
        get size() { return this.#pairs.length; }
        append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(); }
        delete(name, value) {
            this.#pairs = this.#pairs.filter(([key, item]) => key !== String(name) || (value !== undefined && item !== String(value)));
            this.#changed();
        }
        get(name) { return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null; }
        getAll(name) { return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value); }
        has(name, value) { return this.#pairs.some(([key, item]) => key === String(name) && (value === undefined || item === String(value))); }
        set(name, value) {
            const first = this.#pairs.findIndex(([key]) => key === String(name));
            if (first < 0) return this.append(name, value);
            this.#pairs = this.#pairs.filter(([key], index) => key !== String(name) || index === first);
            this.#pairs[first][1] = String(value);
            this.#changed();
        }
        sort() { this.#pairs.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0)); this.#changed(); }
        forEach(visit, self) { for (const [key, value] of this.#pairs) visit.call(self, value, key, this); }
        *entries() { for (const [key, value] of this.#pairs) yield [key, value]; }
        *keys() { for (const [key] of this.#pairs) yield key; }
        *values() { for (const [, value] of this.#pairs) yield value; }
        [Symbol.iterator]() { return this.entries(); }
        get [Symbol.toStringTag]() { return "URLSearchParams"; }
        toString() {
            const written = (text) => percent(text, /^[A-Za-z0-9*._-]$|^ $/).replaceAll(" ", "+");
            return this.#pairs.map(([key, value]) => `${written(key)}=${written(value)}`).join("&");
        }
    }

    const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };
    const inPath = /^[A-Za-z0-9!$&'()*+,\-./:;=@_~%[\]|^\\]$/, inQuery = /^[A-Za-z0-9!$&()*+,\-./:;=?@_~%[\]{}|^`\\]$/;

    // Of the web's standard what code needs: hierarchical URLs, relative ones, and `mailto:` and its like as they stand.
    class URL {
        #protocol = "";
        #username = "";
        #password = "";
        #hostname = "";
        #port = "";
        #pathname = "";
        #search = "";
        #hash = "";
        #isOpaque = false;
        #params;
        constructor(url, base) {
            const text = String(url).trim().replace(/[\t\n\r]/g, "");
            const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text);
            const above = base === undefined ? null : new URL(String(base));
            if (scheme === null && above === null) throw new TypeError(`'${text}' is no URL`);
            this.#protocol = scheme === null ? above.protocol : scheme[1].toLowerCase() + ":";
            let rest = scheme === null ? text : text.slice(scheme[0].length);
            const isSpecial = this.#protocol in ports;
            if (isSpecial) rest = rest.replace(/^[^?#]*/, (path) => path.replaceAll("\\", "/"));
            const hash = rest.indexOf("#");
            if (hash >= 0) { this.hash = rest.slice(hash); rest = rest.slice(0, hash); }
            const query = rest.indexOf("?");
            if (query >= 0) { this.#setSearch(rest.slice(query)); rest = rest.slice(0, query); }
            if (rest.startsWith("//") || (isSpecial && scheme !== null)) {
                rest = rest.replace(/^\/*/, "");
                const end = rest.indexOf("/");
                this.#setAuthority(end < 0 ? rest : rest.slice(0, end), text);
                this.#setPath(end < 0 ? "/" : rest.slice(end));
            } else if (scheme !== null) {
                this.#isOpaque = !rest.startsWith("/");
                if (this.#isOpaque) this.#pathname = rest; else this.#setPath(rest);
            } else {
                if (above.#isOpaque) throw new TypeError(`'${text}' has no URL to stand behind`);
                this.#username = above.#username;
                this.#password = above.#password;
                this.#hostname = above.#hostname;
                this.#port = above.#port;
                if (rest === "" && query < 0) this.#search = above.#search;
                this.#setPath(rest === "" ? above.#pathname : rest.startsWith("/") ? rest : above.#pathname.replace(/[^/]*$/, "") + rest);
            }
        }
        #setAuthority(authority, text) {
            const at = authority.lastIndexOf("@");
            if (at >= 0) {
                const [name, ...word] = authority.slice(0, at).split(":");
                this.username = name;
                this.password = word.join(":");
            }
            const parts = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
            const host = parts === null ? "" : unescaped(parts[1]).toLowerCase();
            const isGood = parts !== null && (host !== "" || !(this.#protocol in ports)) && !/[\s#/<>?@\\^|%]/.test(host)
                && /^[\x21-\x7e]*$/.test(host) && Number(parts[2] ?? 0) < 65536;
            if (!isGood) throw new TypeError(`'${text}' is no URL`);
            this.#hostname = host;
            const port = parts[2] === undefined || parts[2] === "" ? "" : String(Number(parts[2]));
            this.#port = port === ports[this.#protocol] ? "" : port;
        }
        #setPath(path) {
            const kept = [];
            const segments = path.split("/").slice(1);
            segments.forEach((segment, index) => {
                const isLast = index === segments.length - 1, name = segment.replace(/%2e/gi, ".");
                if (name === "..") kept.pop();
                else if (name !== ".") kept.push(percent(segment, inPath));
                if (isLast && (name === "." || name === "..")) kept.push("");
            });
            this.#pathname = "/" + kept.join("/");
        }
        #setSearch(text) {
            const query = text.replace(/^\?/, "");
            this.#search = query === "" ? "" : "?" + percent(query, inQuery);
        }
        static canParse(url, base) { return URL.parse(url, base) !== null; }
        static parse(url, base) {
            try { return new URL(url, base); } catch { return null; }
        }
        get href() {
            const user = this.#username + (this.#password === "" ? "" : ":" + this.#password);
            const isPlain = this.#isOpaque || (this.#hostname === "" && !(this.#protocol in ports) && this.#protocol !== "file:");
            const authority = isPlain ? "" : "//" + (user === "" ? "" : user + "@") + this.host;
            return this.#protocol + authority + this.#pathname + this.#search + this.#hash;
        }
        get origin() { return this.#protocol in ports ? `${this.#protocol}//${this.host}` : "null"; }
        get protocol() { return this.#protocol; }
        get host() { return this.#hostname + (this.#port === "" ? "" : ":" + this.#port); }
        set host(value) { try { this.#setAuthority(String(value), String(value)); } catch { /* As the web has it: nothing changes. */ } }
        get hostname() { return this.#hostname; }
        set hostname(value) { this.host = String(value) + (this.#port === "" ? "" : ":" + this.#port); }
        get port() { return this.#port; }
        set port(value) {
            const port = String(value);
            if (/^\d*$/.test(port) && Number(port) < 65536) this.#port = port === ports[this.#protocol] ? "" : port;
        }
        get username() { return this.#username; }
        set username(value) { this.#username = percent(String(value), /^[A-Za-z0-9\-._~!$&'()*+,%]$/); }
        get password() { return this.#password; }
        set password(value) { this.#password = percent(String(value), /^[A-Za-z0-9\-._~!$&'()*+,%]$/); }
        get pathname() { return this.#pathname; }
        set pathname(value) { if (!this.#isOpaque) this.#setPath(String(value).replace(/^(?!\/)/, "/").replaceAll("?", "%3F").replaceAll("#", "%23")); }
        get search() { return this.#search; }
        set search(value) { this.#setSearch(String(value).replaceAll("#", "%23")); this.#params = undefined; }
        get hash() { return this.#hash; }
        set hash(value) {
            const text = String(value).replace(/^#/, "");
            this.#hash = text === "" ? "" : "#" + percent(text, /^[A-Za-z0-9!#$%&'()*+,\-./:;=?@_~[\]{}|^\\]$/);
        }
        get searchParams() {
            return this.#params ??= new URLSearchParams(this.#search, () => {
                const text = this.#params.toString();
                this.#search = text === "" ? "" : "?" + text;
            });
        }
        get [Symbol.toStringTag]() { return "URL"; }
        toString() { return this.href; }
        toJSON() { return this.href; }
    }

    // MARK: fetch

    class Headers {
        #fields = new Map();
        constructor(init = undefined) {
            if (init === undefined || init === null) return;
            const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
            for (const pair of pairs) {
                const items = [...pair];
                if (items.length !== 2) throw new TypeError("each pair of Headers has a name and a value");
                this.append(items[0], items[1]);
            }
        }
        static #name(name) {
            if (!isToken(String(name))) throw new TypeError(`'${name}' is no name of a header`);
            return String(name).toLowerCase();
        }
        static #value(value) {
            const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
            if (/[\0\n\r]/.test(text)) throw new TypeError("a header's value is one line");
            return text;
        }
        append(name, value) {
            const key = Headers.#name(name), more = Headers.#value(value);
            this.#fields.set(key, this.#fields.has(key) ? `${this.#fields.get(key)}, ${more}` : more);
        }
        set(name, value) { this.#fields.set(Headers.#name(name), Headers.#value(value)); }
        delete(name) { this.#fields.delete(Headers.#name(name)); }
        get(name) { return this.#fields.get(Headers.#name(name)) ?? null; }
        has(name) { return this.#fields.has(Headers.#name(name)); }
        getSetCookie() { return this.has("set-cookie") ? [this.get("set-cookie")] : []; }
        forEach(visit, self) { for (const [key, value] of this) visit.call(self, value, key, this); }
        *entries() { for (const key of [...this.#fields.keys()].sort()) yield [key, this.#fields.get(key)]; }
        *keys() { for (const [key] of this.entries()) yield key; }
        *values() { for (const [, value] of this.entries()) yield value; }
        [Symbol.iterator]() { return this.entries(); }
        get [Symbol.toStringTag]() { return "Headers"; }
    }

    let end;
    class AbortSignal {
        #listeners = [];
        #reason;
        aborted = false;
        onabort = null;
        get reason() { return this.#reason; }
        throwIfAborted() { if (this.aborted) throw this.#reason; }
        addEventListener(type, listener) { if (type === "abort") this.#listeners.push(listener); }
        removeEventListener(type, listener) { this.#listeners = this.#listeners.filter((known) => known !== listener); }
        static abort(reason) {
            const signal = new AbortSignal();
            end(signal, reason);
            return signal;
        }
        static any(signals) {
            const signal = new AbortSignal();
            for (const other of signals) {
                if (other.aborted) { end(signal, other.reason); break; }
                other.addEventListener("abort", () => end(signal, other.reason));
            }
            return signal;
        }
        // Time stands still in code: the connection's own `timeout` is what ends a request.
        static timeout() { return new AbortSignal(); }
        static {
            end = (signal, reason) => {
                if (signal.aborted) return;
                signal.aborted = true;
                signal.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
                const event = { type: "abort", target: signal };
                if (typeof signal.onabort === "function") signal.onabort(event);
                for (const listener of signal.#listeners) listener.call(signal, event);
            };
        }
    }

    class AbortController {
        signal = new AbortSignal();
        abort(reason) { end(this.signal, reason); }
    }

    // The body as text or bytes, and the type that goes with it.
    function bodyOf(value) {
        if (value === null || value === undefined) return { text: null, bytes: null, type: null };
        if (typeof value === "string") return { text: value, bytes: null, type: "text/plain;charset=UTF-8" };
        if (value instanceof URLSearchParams) {
            return { text: value.toString(), bytes: null, type: "application/x-www-form-urlencoded;charset=UTF-8" };
        }
        const bytes = bytesOf(value);
        if (bytes !== null) return { text: null, bytes: bytes.slice(), type: null };
        return { text: String(value), bytes: null, type: "text/plain;charset=UTF-8" };
    }

    let copied;
    class Body {
        #body;
        #isUsed = false;
        constructor(body) { this.#body = body; }
        get bodyUsed() { return this.#isUsed; }
        #take() {
            if (this.#isUsed) throw new TypeError("the body has been read already");
            this.#isUsed = this.#body.text !== null || this.#body.bytes !== null;
            return this.#body;
        }
        static {
            copied = (body) => {
                if (body.#isUsed) throw new TypeError("the body has been read already");
                return body.#body;
            };
        }
        async text() {
            const { text, bytes } = this.#take();
            return bytes === null ? text ?? "" : decode(bytes, false).replace(/^\ufeff/, "");
        }
        async json() { return read(await this.text()); }
        async bytes() {
            const { text, bytes } = this.#take();
            return bytes === null ? encode(text ?? "") : bytes.slice();
        }
        async arrayBuffer() { return (await this.bytes()).buffer; }
        async formData() { throw new TypeError("there is no formData here: use text() and URLSearchParams"); }
        async blob() { throw new TypeError("there is no blob here: use arrayBuffer()"); }
    }

    class Response extends Body {
        constructor(body = null, { status = 200, statusText = "", headers = undefined, url = "", redirected = false } = {}) {
            const content = bodyOf(body);
            super(content);
            if (!(status >= 200 && status <= 599)) throw new RangeError("the status of a Response is 200 to 599");
            this.status = status;
            this.statusText = String(statusText);
            this.headers = new Headers(headers);
            if (content.type !== null && !this.headers.has("content-type")) this.headers.set("content-type", content.type);
            this.ok = status < 300;
            this.url = url;
            this.redirected = redirected;
            this.type = "default";
        }
        clone() {
            const { text, bytes } = copied(this);
            return new Response(bytes ?? text, this);
        }
        static json(value, init = {}) {
            const headers = new Headers(init.headers);
            if (!headers.has("content-type")) headers.set("content-type", "application/json");
            return new Response(JSON.stringify(value), { ...init, headers });
        }
        static error() { return Object.assign(new Response(null), { status: 0, ok: false, type: "error" }); }
        static redirect(url, status = 302) { return new Response(null, { status, headers: { location: String(new URL(url)) } }); }
        get [Symbol.toStringTag]() { return "Response"; }
    }

    // What a browser is told about its user, and a server has no use for.
    const ignored = new Set(["mode", "credentials", "cache", "keepalive", "referrer", "referrerPolicy", "priority", "duplex", "window"]);
    class Request extends Body {
        constructor(input, init = {}) {
            const other = input instanceof Request ? input : null;
            const { method = other?.method ?? "GET", headers = other?.headers, body, redirect = other?.redirect ?? "follow", signal = other?.signal, ...rest } = init ?? {};
            for (const key of Object.keys(rest)) if (!ignored.has(key)) throw new TypeError(`fetch does not know the option '${key}'`);
            const content = body === undefined && other !== null ? copied(other) : bodyOf(body);
            super(content);
            if (!isToken(String(method))) throw new TypeError(`'${method}' is no method of HTTP`);
            this.method = /^(get|head|options|post|put|delete|patch)$/i.test(method) ? String(method).toUpperCase() : String(method);
            const hasBody = content.text !== null || content.bytes !== null;
            if (hasBody && (this.method === "GET" || this.method === "HEAD")) throw new TypeError(`a request of method ${this.method} has no body`);
            if (!["follow", "manual", "error"].includes(redirect)) throw new TypeError("redirect is 'follow', 'manual' or 'error'");
            const url = other === null ? new URL(String(input)) : new URL(other.url);
            if (url.username !== "" || url.password !== "") throw new TypeError("the URL of a request names no user; credentials belong to the connection");
            this.url = url.href;
            this.headers = new Headers(headers);
            if (content.type !== undefined && content.type !== null && !this.headers.has("content-type")) this.headers.set("content-type", content.type);
            this.redirect = redirect;
            this.signal = signal ?? new AbortSignal();
        }
        clone() {
            const { text, bytes } = copied(this);
            return new Request(this.url, { method: this.method, headers: this.headers, body: bytes ?? text, redirect: this.redirect, signal: this.signal });
        }
        get [Symbol.toStringTag]() { return "Request"; }
    }

    const bytesOfBinary = (text) => {
        const bytes = new Uint8Array(text.length);
        for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
        return bytes;
    };

    async function fetch(input, init) {
        const request = new Request(input, init);
        const { signal, redirect } = request;
        let { method } = request, { text, bytes } = copied(request);
        let url = new URL(request.url), isRedirected = false;
        const fields = new Headers(request.headers);
        for (let step = 0; step <= 20; step++) {
            signal.throwIfAborted();
            const place = new URL(url.href);
            place.hash = "";
            const options = { method, headers: Object.fromEntries(fields), body: text };
            if (bytes !== null) options.bytes = base64(bytes);
            let answer;
            try {
                answer = await ask("fetch", place.href, options);
            } catch (error) {
                if (!(error instanceof HostError)) throw error;
                throw Object.assign(new TypeError(`fetch failed: ${error.message}`, { cause: error }), { code: error.code });
            }
            signal.throwIfAborted();
            const { status, headers, body, isBinary } = answer;
            const target = [301, 302, 303, 307, 308].includes(status) ? headers.location : undefined;
            if (target === undefined || redirect === "manual") {
                const content = status === 204 || status === 205 || status === 304 ? null : isBinary ? bytesOfBinary(body) : body;
                const given = { ...headers };
                // An empty type instead of one that is made up here.
                if (content !== null && given["content-type"] === undefined) given["content-type"] = "";
                const response = new Response(content, { status: Math.max(200, status), headers: given, url: url.href, redirected: isRedirected });
                if (given["content-type"] === "") response.headers.delete("content-type");
                return response;
            }
            if (redirect === "error") throw new TypeError(`fetch failed: ${place.href} leads to another place`);
            isRedirected = true;
            url = new URL(target, url);
            if (status === 303 ? method !== "HEAD" : (status === 301 || status === 302) && method === "POST") {
                if (method !== "GET") for (const name of ["content-type", "content-encoding", "content-language", "content-location"]) fields.delete(name);
                method = "GET";
                text = bytes = null;
            }
        }
        throw new TypeError("fetch failed: more than 20 redirects");
    }

    const queueMicrotask = (work) => { Promise.resolve().then(() => work()); };

    return {
        fetch, Headers, Request, Response, URL, URLSearchParams, TextEncoder, TextDecoder, atob, btoa, structuredClone,
        AbortController, AbortSignal, DOMException, queueMicrotask,
    };
})
