// The Stripe client: a walk through the table of operations, with the conventions of stripe-node. It knows no key of a
// connection: the host adds it. Evaluated at the code's first look at `stripe`.
(function (table) {
    "use strict";
    return ({ ask, read, now }) => {
        // MARK: Errors

        class StripeError extends Error {
            constructor(raw = {}, type = null) {
                super(raw.message);
                this.raw = raw;
                this.rawType = raw.type;
                this.type = type || this.constructor.name;
                for (const [name, value] of Object.entries({
                    code: raw.code, doc_url: raw.doc_url, param: raw.param, detail: raw.detail, decline_code: raw.decline_code,
                    advice_code: raw.advice_code, network_decline_code: raw.network_decline_code, charge: raw.charge,
                    payment_intent: raw.payment_intent, payment_method: raw.payment_method,
                    payment_method_type: raw.payment_method_type, setup_intent: raw.setup_intent, source: raw.source,
                    headers: raw.headers, requestId: raw.requestId, statusCode: raw.statusCode,
                })) this[name] = value;
            }
            get name() { return this.constructor.name; }
            static generate(raw) { return errorFor(raw); }
        }
        const errors = { StripeError };
        for (const name of [
            "StripeCardError", "StripeInvalidRequestError", "StripeAPIError", "StripeAuthenticationError",
            "StripePermissionError", "StripeRateLimitError", "StripeConnectionError",
            "StripeSignatureVerificationError", "StripeIdempotencyError", "StripeInvalidGrantError",
            "TemporarySessionExpiredError", "StripeUnknownError",
        ]) errors[name] = { [name]: class extends StripeError {} }[name];

        function errorFor(raw) {
            if (raw.statusCode === 429 && raw.type !== "idempotency_error") return new errors.StripeRateLimitError(raw);
            switch (raw.type) {
            case "card_error": return new errors.StripeCardError(raw);
            case "idempotency_error": return new errors.StripeIdempotencyError(raw);
            case "temporary_session_expired": return new errors.TemporarySessionExpiredError(raw);
            }
            if (raw.statusCode === 401) return new errors.StripeAuthenticationError(raw);
            if (raw.statusCode === 403) return new errors.StripePermissionError(raw);
            switch (raw.type) {
            case "invalid_request_error": return new errors.StripeInvalidRequestError(raw);
            case "api_error": return new errors.StripeAPIError(raw);
            case "invalid_grant": return new errors.StripeInvalidGrantError(raw);
            }
            return raw.statusCode === 400 || raw.statusCode === 404
                ? new errors.StripeInvalidRequestError(raw) : new errors.StripeUnknownError(raw);
        }

        // MARK: Requests

        const optionNames = new Set(["idempotencyKey", "stripeAccount", "stripeContext", "apiVersion", "apiKey", "maxNetworkRetries", "timeout", "host"]);
        const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
        const isOptions = (value) => isObject(value) && Object.keys(value).length > 0 && Object.keys(value).every((key) => optionNames.has(key));

        // Dates are seconds, as stripe-node sends them; undefined is left out.
        function sent(value) {
            if (value instanceof Date) return Math.floor(value.getTime() / 1000);
            if (Array.isArray(value)) return value.map(sent);
            if (!isObject(value)) return value;
            const copy = {};
            for (const key of Object.keys(value)) if (value[key] !== undefined) copy[key] = sent(value[key]);
            return copy;
        }

        async function request(credentials, operation, ids, params, options) {
            const settings = { ...credentials };
            for (const key of ["idempotencyKey", "stripeAccount", "stripeContext", "apiKey"]) {
                if (options[key] !== undefined) settings[key] = options[key];
            }
            let answer;
            try {
                answer = await ask("stripe", operation, ids, sent(params), settings);
            } catch (error) {
                const raw = { message: error.message, code: error.code, type: error.type, detail: error };
                throw error.type === "connection" ? new errors.StripeConnectionError(raw) : new errors.StripeInvalidRequestError(raw);
            }
            const requestId = answer.headers["request-id"];
            let object;
            try {
                object = read(answer.body);
            } catch {
                throw new errors.StripeAPIError({ message: "Invalid JSON received from the Stripe API", requestId, statusCode: answer.status });
            }
            if (object?.error) {
                const raw = typeof object.error === "string"
                    ? { type: object.error, message: object.error_description } : object.error;
                throw errorFor({ ...raw, headers: answer.headers, statusCode: answer.status, requestId });
            }
            Object.defineProperty(object, "lastResponse", {
                enumerable: false,
                writable: false,
                value: { headers: answer.headers, requestId, statusCode: answer.status, idempotencyKey: settings.idempotencyKey },
            });
            return object;
        }

        // MARK: Lists

        // One page after the other: forward behind the last object, or backward before the first.
        function pages(promise, kind, params, next) {
            const isBackward = params.ending_before !== undefined && params.starting_after === undefined;
            async function* each() {
                let page = await promise;
                while (true) {
                    yield* isBackward ? [...page.data].reverse() : page.data;
                    if (!page.has_more || page.data.length === 0) return;
                    if (kind === "s") page = await next({ ...params, page: page.next_page });
                    else if (isBackward) page = await next({ ...params, ending_before: page.data[0].id });
                    else page = await next({ ...params, starting_after: page.data[page.data.length - 1].id });
                }
            }
            return {
                [Symbol.asyncIterator]: each,
                async autoPagingEach(visit) {
                    for await (const item of each()) if ((await visit(item)) === false) return;
                },
                async autoPagingToArray({ limit } = {}) {
                    if (!limit) throw new Error("You must pass a `limit` option to autoPagingToArray, e.g., `autoPagingToArray({limit: 1000});`.");
                    if (limit > 10000) throw new Error("You cannot specify a limit of more than 10,000 items to fetch in `autoPagingToArray`; use `autoPagingEach` to iterate through longer lists.");
                    const items = [];
                    for await (const item of each()) {
                        items.push(item);
                        if (items.length >= limit) break;
                    }
                    return items;
                },
            };
        }

        // MARK: The table

        const resources = new Map();
        for (const entry of table.split("\n")) {
            if (entry === "") continue;
            const [resource, method, , path, marks = ""] = entry.split(" ");
            if (!resources.has(resource)) resources.set(resource, []);
            resources.get(resource).push({ method, ids: path.split("{}").length - 1, kind: marks.includes("s") ? "s" : marks.includes("l") ? "l" : "" });
        }

        function operation(credentials, resource, { method, ids, kind }) {
            const name = `${resource}.${method}`;
            return (...values) => {
                const given = values.slice(0, ids);
                for (const id of given) {
                    if (typeof id !== "string" || id === "") throw new Error(`Stripe: Argument "id" must be a string, but got: ${id} (on API request to \`${name}\`)`);
                }
                if (given.length < ids) throw new Error(`Stripe: Argument "id" required, but got: undefined (on API request to \`${name}\`)`);
                let [params = {}, options = {}] = values.slice(ids).map((value) => value ?? undefined);
                if (!isObject(params) || !isObject(options)) throw new Error(`Stripe: Unknown arguments (on API request to \`${name}\`)`);
                if (values.length === ids + 1 && isOptions(params)) [params, options] = [{}, params];
                const send = (params) => request(credentials, name, given, params, options);
                const promise = send(params);
                if (kind !== "") {
                    const nextPage = { ...options };
                    delete nextPage.idempotencyKey;
                    Object.assign(promise, pages(promise, kind, params, (params) => request(credentials, name, given, params, nextPage)));
                }
                return promise;
            };
        }

        // `stripe.checkout.sessions`: each step is made at the first look.
        function node(credentials, prefix) {
            const made = {};
            const path = prefix === "" ? "" : `${prefix}.`;
            const add = (name, make) => {
                if (Object.hasOwn(made, name)) return;
                let value;
                Object.defineProperty(made, name, { configurable: true, enumerable: true, get: () => value ??= make() });
            };
            for (const entry of resources.get(prefix) ?? []) add(entry.method, () => operation(credentials, prefix, entry));
            for (const resource of resources.keys()) {
                if (!resource.startsWith(path) || resource === prefix) continue;
                const name = resource.slice(path.length).split(".")[0];
                add(name, () => node(credentials, path + name));
            }
            return made;
        }

        // MARK: Signatures

        const constants = (() => {
            const roots = [], fractions = [];
            for (let candidate = 2; roots.length < 64; candidate++) {
                let isPrime = true;
                for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) { isPrime = false; break; }
                if (!isPrime) continue;
                const bits = (root) => Math.floor((root - Math.floor(root)) * 0x100000000) >>> 0;
                roots.push(bits(Math.cbrt(candidate)));
                fractions.push(bits(Math.sqrt(candidate)));
            }
            return { rounds: roots, start: fractions.slice(0, 8) };
        })();
        function sha256(bytes) {
            const length = bytes.length;
            const padded = new Uint8Array(((length + 8) >> 6 << 6) + 64);
            padded.set(bytes);
            padded[length] = 0x80;
            const view = new DataView(padded.buffer);
            view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
            view.setUint32(padded.length - 4, length << 3);
            const state = new Uint32Array(constants.start), w = new Uint32Array(64);
            const right = (word, bits) => (word >>> bits) | (word << (32 - bits));
            for (let from = 0; from < padded.length; from += 64) {
                for (let i = 0; i < 16; i++) w[i] = view.getUint32(from + 4 * i);
                for (let i = 16; i < 64; i++) {
                    const a = w[i - 15], b = w[i - 2];
                    w[i] = w[i - 16] + (right(a, 7) ^ right(a, 18) ^ (a >>> 3)) + w[i - 7] + (right(b, 17) ^ right(b, 19) ^ (b >>> 10));
                }
                let [a, b, c, d, e, f, g, h] = state;
                for (let i = 0; i < 64; i++) {
                    const first = (h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + constants.rounds[i] + w[i]) | 0;
                    const second = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
                    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
                }
                [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] += word; });
            }
            const digest = new Uint8Array(32), out = new DataView(digest.buffer);
            state.forEach((word, i) => out.setUint32(4 * i, word));
            return digest;
        }
        function utf8(text) {
            const escaped = encodeURIComponent(text), bytes = [];
            for (let i = 0; i < escaped.length; i++) {
                if (escaped[i] !== "%") bytes.push(escaped.charCodeAt(i));
                else { bytes.push(parseInt(escaped.slice(i + 1, i + 3), 16)); i += 2; }
            }
            return bytes;
        }
        function hmac(key, text) {
            const block = new Uint8Array(64), bytes = utf8(key);
            block.set(bytes.length > 64 ? sha256(bytes) : bytes);
            const inner = sha256([...block.map((byte) => byte ^ 0x36), ...utf8(text)]);
            return [...sha256([...block.map((byte) => byte ^ 0x5c), ...inner])].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        }
        const isSame = (left, right) => {
            let difference = left.length ^ right.length;
            for (let i = 0; i < left.length; i++) difference |= left.charCodeAt(i) ^ right.charCodeAt(i);
            return difference === 0;
        };
        const webhooks = {
            DEFAULT_TOLERANCE: 300,
            constructEvent(payload, header, secret, tolerance = 300, cryptoProvider = undefined, receivedAt = undefined) {
                const refuse = (message) => {
                    const error = new errors.StripeSignatureVerificationError({ message });
                    error.header = header;
                    error.payload = payload;
                    return error;
                };
                if (typeof payload !== "string") throw refuse("Webhook payload must be provided as a string");
                if (typeof header !== "string" || header === "") throw refuse("No stripe-signature header value was provided.");
                let time = NaN;
                const signatures = [];
                for (const part of header.split(",")) {
                    const [key, value] = part.split("=");
                    if (key === "t") time = parseInt(value, 10);
                    if (key === "v1" && value) signatures.push(value);
                }
                if (!(time >= 0)) throw refuse("Unable to extract timestamp and signatures from header");
                if (signatures.length === 0) throw refuse("No signatures found with expected scheme");
                const expected = hmac(String(secret), `${time}.${payload}`);
                let isSigned = false;
                for (const signature of signatures) if (isSame(expected, signature)) isSigned = true;
                if (!isSigned) throw refuse("No signatures found matching the expected signature for payload. Are you passing the raw request body you received from Stripe?");
                const age = Math.floor((receivedAt === undefined ? now() : Number(receivedAt)) / 1000) - time;
                // Unlike Stripe's libraries, to either side: a stamp from the future is not waited for.
                if (tolerance > 0 && Math.abs(age) > tolerance) throw refuse("Timestamp outside the tolerance zone");
                return read(payload);
            },
            async constructEventAsync(...values) { return webhooks.constructEvent(...values); },
            generateTestHeaderString({ timestamp, payload, secret, scheme = "v1", signature }) {
                const time = Math.floor(timestamp) || Math.floor(now() / 1000);
                return `t=${time},${scheme}=${signature || hmac(secret, `${time}.${payload}`)}`;
            },
            signature: {
                verifyHeader(payload, header, secret, tolerance, provider, receivedAt) {
                    webhooks.constructEvent(payload, header, secret, tolerance, provider, receivedAt);
                    return true;
                },
            },
        };

        // MARK: Clients

        function client(credentials) {
            const made = node(credentials, "");
            Object.defineProperty(made, "account", { configurable: true, enumerable: true, get: () => made.accounts });
            made.webhooks = webhooks;
            made.errors = errors;
            return made;
        }
        function Stripe(key, config = {}) {
            if (typeof key !== "string" || key === "") throw new Error("Neither apiKey nor config.authenticator provided");
            const credentials = { apiKey: key };
            if (config.stripeAccount) credentials.stripeAccount = config.stripeAccount;
            const made = client(credentials);
            if (new.target) Object.setPrototypeOf(made, new.target.prototype);
            return made;
        }
        Object.assign(Stripe, { errors, webhooks, Stripe });
        return { stripe: client({}), Stripe };
    };
})
