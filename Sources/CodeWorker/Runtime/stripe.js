// The Stripe client: a walk through the table of operations, with the conventions of stripe-node. It knows no key of a
// connection: the host adds it. Evaluated at the code's first look at `stripe`.
(function (table) {
    "use strict";
    return ({ ask, read, warn, now }) => {
        // MARK: Errors

        class StripeError extends Error {
            constructor(raw = {}, type = null) {
                super(raw.message ?? "");
                this.raw = raw;
                this.rawType = raw.type;
                this.type = type || this.constructor.name;
                for (const name of [
                    "headers", "requestId", "statusCode", "detail", "code", "doc_url", "param", "decline_code", "advice_code",
                    "network_advice_code", "network_decline_code", "charge", "payment_intent", "payment_method",
                    "payment_method_type", "request_log_url", "setup_intent", "source", "user_message",
                ]) this[name] = raw[name];
                this.userMessage = raw.user_message;
            }
            get name() { return this.constructor.name; }
            static generate(raw) { return errorFor(raw, false); }
        }
        const errors = { StripeError };
        // What /v2 names, in the form of its `type`.
        const v2Types = {};
        const kinds = (names, Base) => {
            for (const name of names) errors[name] = { [name]: class extends Base {} }[name];
        };
        kinds([
            "StripeCardError", "StripeInvalidRequestError", "StripeAPIError", "StripeAuthenticationError",
            "StripePermissionError", "StripeRateLimitError", "StripeConnectionError", "StripeIdempotencyError",
            "StripeUnknownError", "StripeOAuthError",
        ], StripeError);
        kinds([
            "StripeInvalidGrantError", "StripeInvalidClientError", "StripeOAuthInvalidRequestError", "StripeInvalidScopeError",
            "StripeUnsupportedGrantTypeError", "StripeUnsupportedResponseTypeError",
        ], errors.StripeOAuthError);
        for (const word of [
            "already_canceled", "already_exists", "blocked_by_stripe", "cannot_proceed", "controlled_by_alternate_resource",
            "controlled_by_dashboard", "feature_not_enabled", "financial_account_not_open", "fx_quote_expired",
            "insufficient_funds", "invalid_payment_method", "invalid_payout_method", "non_zero_balance", "not_cancelable",
            "quota_exceeded", "rate_limit", "recipient_not_notifiable", "temporary_session_expired",
        ]) {
            const name = word.replace(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase()) + "Error";
            kinds([name], StripeError);
            v2Types[word] = errors[name];
        }
        errors.StripeSignatureVerificationError = class StripeSignatureVerificationError extends StripeError {
            constructor(header, payload, raw = {}) {
                super(raw);
                this.header = header;
                this.payload = payload;
            }
        };

        function errorFor(raw, isV2) {
            if (isV2 && Object.hasOwn(v2Types, raw.type)) return new v2Types[raw.type](raw);
            if (raw.type === "idempotency_error") return new errors.StripeIdempotencyError(raw);
            if (raw.statusCode === 429 || raw.type === "rate_limit_error") return new errors.StripeRateLimitError(raw);
            if (raw.statusCode === 401 || raw.type === "authentication_error") return new errors.StripeAuthenticationError(raw);
            if (raw.statusCode === 403) return new errors.StripePermissionError(raw);
            switch (raw.type) {
            case "card_error": return new errors.StripeCardError(raw);
            case "invalid_request_error": return new errors.StripeInvalidRequestError(raw);
            case "api_error": return new errors.StripeAPIError(raw);
            case "invalid_grant": return new errors.StripeInvalidGrantError(raw);
            case "temporary_session_expired": return new errors.TemporarySessionExpiredError(raw);
            }
            return raw.statusCode === 400 || raw.statusCode === 404
                ? new errors.StripeInvalidRequestError(raw) : new errors.StripeUnknownError(raw);
        }

        // MARK: Arguments

        const optionNames = new Set([
            "idempotencyKey", "stripeAccount", "stripeContext", "apiVersion", "apiKey", "maxNetworkRetries", "timeout", "headers",
            "additionalHeaders",
        ]);
        const former = {
            api_key: "apiKey", idempotency_key: "idempotencyKey", stripe_account: "stripeAccount", stripe_version: "apiVersion",
            stripeVersion: "apiVersion",
        };
        const headerNames = {
            "idempotency-key": "idempotencyKey", "stripe-account": "stripeAccount", "stripe-context": "stripeContext",
            "stripe-version": "apiVersion",
        };
        const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
        const isOption = (key) => optionNames.has(key) || key === "host" || key === "apiBase" || Object.hasOwn(former, key);
        const isOptions = (value) => isObject(value) && Object.keys(value).length > 0 && Object.keys(value).every(isOption);

        // Time limits and repetition are the engine's; where a request goes is the server's to say.
        function settings(client, options) {
            const result = {};
            const set = (key, value) => {
                if (value === undefined || value === null || value === "" || key === "maxNetworkRetries" || key === "timeout") return;
                result[key] = String(value);
            };
            for (const key of ["apiKey", "stripeAccount", "stripeContext", "apiVersion"]) set(key, client[key]);
            for (const [given, value] of Object.entries(options)) {
                const key = former[given] ?? given;
                if (key === "headers" || key === "additionalHeaders") {
                    for (const [name, text] of Object.entries(value ?? {})) {
                        const option = headerNames[name.toLowerCase()];
                        if (option !== undefined) set(option, text);
                        else throw new Error(`Stripe: the header '${name}' cannot be sent from code`);
                    }
                } else if (optionNames.has(key)) {
                    set(key, value);
                } else if (value !== undefined && value !== null) {
                    if (key === "host" || key === "apiBase" || key === "authenticator") {
                        throw new Error(`Stripe: '${key}' is the server's setting, not the code's`);
                    }
                    warn(`Stripe: Invalid options found (${given}); ignoring.`);
                }
            }
            if (options.stripeAccount && options.stripeContext) throw new Error("Can't specify both stripeAccount and stripeContext.");
            if (options.stripeAccount) delete result.stripeContext;
            if (options.stripeContext) delete result.stripeAccount;
            return result;
        }

        // Dates are seconds, as stripe-node sends them; undefined is left out; what no number is goes as its name, which
        // Stripe refuses.
        function sent(value, isJSON) {
            if (value instanceof Date) {
                const seconds = Math.floor(value.getTime() / 1000);
                return isJSON ? String(seconds) : Number.isNaN(seconds) ? "NaN" : seconds;
            }
            if (Array.isArray(value)) return value.filter((item) => item !== undefined).map((item) => sent(item, isJSON));
            if (typeof value === "number" && !Number.isFinite(value)) return String(value);
            if (typeof value === "bigint") return String(value);
            if (!isObject(value)) return value;
            if (isJSON && typeof value.toJSON === "function") return value.toJSON();
            const copy = {};
            for (const key of Object.keys(value)) if (value[key] !== undefined) copy[key] = sent(value[key], isJSON);
            return copy;
        }

        // MARK: Requests

        async function request(client, operation, ids, params, options) {
            const isV2 = operation.path.startsWith("/v2/");
            const given = settings(client.settings, options);
            const path = operation.path.split("{}").map((part, i) => part + (i < ids.length ? encodeURIComponent(ids[i]) : "")).join("");
            const event = { api_version: given.apiVersion, account: given.stripeAccount, idempotency_key: given.idempotencyKey, method: operation.verb, path, request_start_time: now() };
            for (const key of Object.keys(event)) if (event[key] === undefined) delete event[key];
            client.emit("request", event);
            let answer;
            try {
                answer = operation.name === null
                    ? await ask("stripe", "rawRequest", [operation.verb, operation.path], sent(params, isV2), given)
                    : await ask("stripe", operation.name, ids, sent(params, isV2), given);
            } catch (error) {
                const raw = { message: error.message, code: error.code, type: error.type, detail: error };
                throw error.type === "connection" ? new errors.StripeConnectionError(raw) : new errors.StripeInvalidRequestError(raw);
            }
            const { status, headers } = answer, requestId = headers["request-id"];
            client.emit("response", { ...event, status, request_id: requestId, elapsed: 0, request_end_time: now() });
            let object;
            try {
                object = answer.body === "" && status < 300 ? {} : read(answer.body);
            } catch (exception) {
                throw new errors.StripeAPIError({ message: "Invalid JSON received from the Stripe API", exception, requestId, headers, statusCode: status });
            }
            if (object?.error) {
                const raw = typeof object.error === "string"
                    ? { type: object.error, message: object.error_description } : object.error;
                throw errorFor({ ...raw, headers, statusCode: status, requestId }, isV2);
            }
            if (object !== null && typeof object === "object") {
                Object.defineProperty(object, "lastResponse", {
                    enumerable: false,
                    writable: false,
                    value: {
                        headers, requestId, statusCode: status, stripeAccount: given.stripeAccount ?? headers["stripe-account"],
                        apiVersion: given.apiVersion ?? headers["stripe-version"],
                        idempotencyKey: given.idempotencyKey ?? headers["idempotency-key"],
                    },
                });
            }
            return object;
        }

        // MARK: Lists

        // One page after the other: forward behind the last object, or backward before the first.
        function pages(first, kind, params, turn) {
            const isBackward = kind === "l" && Boolean(params.ending_before);
            let page = first, index = 0, latest = Promise.resolve();
            function nextPage({ data, next_page, next_page_url }) {
                if (kind === "v2") return turn(null, next_page_url);
                if (kind === "s") {
                    if (!next_page) throw new Error("Unexpected: Stripe API response does not have a well-formed `next_page` field, but `has_more` was true.");
                    return turn({ ...params, page: next_page });
                }
                const id = data[isBackward ? 0 : data.length - 1]?.id;
                if (!id) throw new Error("Unexpected: No `id` found on the last item while auto-paging a list.");
                return turn({ ...params, [isBackward ? "ending_before" : "starting_after"]: id });
            }
            async function step() {
                while (true) {
                    const result = await page;
                    if (typeof result?.data?.length !== "number") throw new Error("Unexpected: Stripe API response does not have a well-formed `data` array.");
                    if (index < result.data.length) {
                        const value = result.data[isBackward ? result.data.length - 1 - index : index];
                        index += 1;
                        return { value, done: false };
                    }
                    if (!(kind === "v2" ? result.next_page_url : result.has_more)) return { value: undefined, done: true };
                    index = 0;
                    page = nextPage(result);
                }
            }
            // Whoever asks for several at once gets one after the other.
            const next = () => {
                const result = latest.then(step);
                latest = result.then(() => undefined, () => undefined);
                return result;
            };
            const told = (promise, done, hasValue) => {
                if (done === undefined) return promise;
                if (typeof done !== "function") throw new Error(`The second argument to autoPagingEach, if present, must be a callback function; received ${typeof done}`);
                promise.then((value) => (hasValue ? done(null, value) : done()), (error) => done(error));
                return promise;
            };
            async function visitAll(visit) {
                for (;;) {
                    const { value, done } = await next();
                    if (done) return;
                    const goesOn = visit.length === 2 ? await new Promise((resolve) => { visit(value, resolve); }) : await visit(value);
                    if (goesOn === false) return;
                }
            }
            const methods = {
                autoPagingEach(visit, done) {
                    if (typeof visit !== "function") throw new Error(`The first argument to autoPagingEach, if present, must be a callback function; received ${typeof visit}`);
                    if (visit.length > 2) throw new Error("The `onItem` callback function passed to autoPagingEach must accept at most two arguments; got more");
                    return told(visitAll(visit), done, false);
                },
                autoPagingToArray({ limit } = {}, done = undefined) {
                    if (!limit) throw new Error("You must pass a `limit` option to autoPagingToArray, e.g., `autoPagingToArray({limit: 1000});`.");
                    if (limit > 10000) throw new Error("You cannot specify a limit of more than 10,000 items to fetch in `autoPagingToArray`; use `autoPagingEach` to iterate through longer lists.");
                    const items = [];
                    const all = visitAll((item) => { items.push(item); return items.length < limit; }).then(() => items);
                    return told(all, done, true);
                },
                next,
                return() { return Promise.resolve({ value: undefined, done: true }); },
                [Symbol.asyncIterator]() { return methods; },
            };
            return methods;
        }

        // MARK: The table

        const verbs = { G: "GET", P: "POST", D: "DELETE" };
        const resources = new Map();
        for (const entry of table.split("\n")) {
            if (entry === "") continue;
            const [resource, method, verb, path, marks = ""] = entry.split(" ");
            if (!resources.has(resource)) resources.set(resource, []);
            const isV2List = path.startsWith("/v2/") && method === "list";
            resources.get(resource).push({
                name: `${resource}.${method}`, method, verb: verbs[verb], path, ids: path.split("{}").length - 1,
                kind: isV2List ? "v2" : marks.includes("s") ? "s" : marks.includes("l") ? "l" : "",
            });
        }
        const named = (resource, method) => resources.get(resource).find((entry) => entry.method === method);

        /// The values of a call behind its ids: parameters, options, and the callback of former days.
        function given(values, place) {
            const rest = [...values];
            const callback = typeof rest[rest.length - 1] === "function" ? rest.pop() : undefined;
            // A key as the last argument is what stripe-node took before it had options.
            if (rest.length > 0 && typeof rest[rest.length - 1] === "string") rest.push({ apiKey: rest.pop() });
            let [params, options, ...more] = rest.map((value) => value ?? undefined);
            if (options === undefined && isOptions(params)) [params, options] = [undefined, params];
            const isWrong = [params, options].some((value) => value !== undefined && !isObject(value)) || more.some((value) => value !== undefined);
            if (isWrong) throw new Error(`Stripe: Unknown arguments (${values}). Did you mean to pass an options object? (on API request to ${place})`);
            return { params: params ?? {}, options: options ?? {}, callback };
        }

        const called = (promise, callback) =>
            callback === undefined ? promise : promise.then((value) => { callback(null, value); }, (error) => { callback(error, null); });

        function operation(client, entry) {
            const { verb, path, ids, kind } = entry;
            const place = `\`${verb} ${path.replaceAll("{}", "{id}")}\``;
            return (...values) => {
                let send, call, list;
                try {
                    for (const id of values.slice(0, ids).concat(Array(Math.max(0, ids - values.length)))) {
                        if (typeof id !== "string" || id === "") throw new Error(`Stripe: Argument "id" must be a string, but got: ${id} (on API request to ${place})`);
                    }
                    call = given(values.slice(ids), place);
                    send = request(client, entry, values.slice(0, ids), call.params, call.options);
                    list = { ...call.options };
                    delete list.idempotencyKey;
                } catch (error) {
                    send = Promise.reject(error);
                    const last = values[values.length - 1];
                    call = { params: {}, options: {}, callback: typeof last === "function" ? last : undefined };
                }
                const promise = called(send, call.callback);
                if (kind === "") return promise;
                const turn = (params, url) => url === undefined
                    ? request(client, entry, values.slice(0, ids), params, list)
                    : request(client, { name: null, verb: "GET", path: url }, [], {}, list);
                return Object.assign(promise, pages(send, kind, call.params, turn));
            };
        }

        // `stripe.checkout.sessions`: each step is made at the first look.
        function fill(made, client, prefix) {
            const path = prefix === "" ? "" : `${prefix}.`;
            const add = (name, make) => {
                if (Object.hasOwn(made, name)) return;
                let value;
                Object.defineProperty(made, name, { configurable: true, enumerable: true, get: () => value ??= make() });
            };
            for (const entry of resources.get(prefix) ?? []) add(entry.method, () => operation(client, entry));
            for (const resource of resources.keys()) {
                if (!resource.startsWith(path) || resource === prefix) continue;
                const name = resource.slice(path.length).split(".")[0];
                add(name, () => fill({}, client, path + name));
            }
            if (prefix === "accounts") {
                const one = made.retrieve, current = operation(client, named("accounts", "retrieveCurrent"));
                Object.defineProperty(made, "retrieve", {
                    configurable: true, enumerable: true,
                    value: (...values) => (typeof values[0] === "string" && values[0] !== "" ? one(...values) : current(...values)),
                });
            }
            // The name that `cancel` had.
            if (prefix === "subscriptions") add("del", () => operation(client, named("subscriptions", "cancel")));
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
            if (text instanceof Uint8Array) return text;
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
        const plain = (value) => {
            if (!(value instanceof Uint8Array)) return value;
            try {
                return decodeURIComponent(Array.from(value, (byte) => "%" + byte.toString(16).padStart(2, "0")).join(""));
            } catch {
                return String.fromCharCode(...value.slice(0, 4096));
            }
        };
        // Checks the header against the body as it came; gives the body as text.
        function verified(payload, header, secret, tolerance, receivedAt) {
            const refuse = (message) => new errors.StripeSignatureVerificationError(header, payload, { message });
            if (Array.isArray(header)) throw new Error("Unexpected: An array was passed as a header, which should not be possible for the stripe-signature header.");
            if (!payload) throw refuse("No webhook payload was provided.");
            if (header === undefined || header === null || header === "") throw refuse("No stripe-signature header value was provided.");
            let time = -1;
            const signatures = [];
            for (const part of String(plain(header)).split(",")) {
                const [key, value] = part.split("=");
                if (key === "t") time = parseInt(value, 10);
                if (key === "v1" && value) signatures.push(value);
            }
            if (!(time >= 0)) throw refuse("Unable to extract timestamp and signatures from header");
            if (signatures.length === 0) throw refuse("No signatures found with expected scheme");
            const isRaw = typeof payload === "string" || payload instanceof Uint8Array;
            const note = /\s/.test(secret) ? " Note: the signing secret contains whitespace, often an extra newline or space." : "";
            if (!isRaw) throw refuse("Webhook payload must be provided as a string or a Buffer instance representing the _raw_ request body. Payload was provided as a parsed JavaScript object instead." + note);
            const text = plain(payload);
            const bytes = payload instanceof Uint8Array ? [...utf8(`${time}.`), ...payload] : `${time}.${payload}`;
            const expected = hmac(String(secret), Array.isArray(bytes) ? new Uint8Array(bytes) : bytes);
            let isSigned = false;
            for (const signature of signatures) if (isSame(expected, signature)) isSigned = true;
            if (!isSigned) throw refuse("No signatures found matching the expected signature for payload. Are you passing the raw request body you received from Stripe?" + note);
            const age = Math.floor((typeof receivedAt === "number" ? receivedAt : now()) / 1000) - time;
            // Unlike Stripe's libraries, to either side: a stamp from the future is not waited for.
            if (tolerance > 0 && Math.abs(age) > tolerance) throw refuse("Timestamp outside the tolerance zone");
            return text;
        }
        const webhooks = {
            DEFAULT_TOLERANCE: 300,
            constructEvent(payload, header, secret, tolerance, provider, receivedAt) {
                const event = read(verified(payload, header, secret, tolerance || 300, receivedAt));
                if (event?.object === "v2.core.event") throw new Error("You passed a thin event notification to a function that expects a webhook. Use the corresponding EventNotification method instead.");
                return event;
            },
            async constructEventAsync(...values) { return webhooks.constructEvent(...values); },
            generateTestHeaderString({ timestamp, payload, secret, scheme = "v1", signature }) {
                const time = Math.floor(timestamp) || Math.floor(now() / 1000);
                return `t=${time},${scheme}=${signature || hmac(secret, `${time}.${payload}`)}`;
            },
            async generateTestHeaderStringAsync(options) { return webhooks.generateTestHeaderString(options); },
            signature: {
                EXPECTED_SCHEME: "v1",
                verifyHeader(payload, header, secret, tolerance, provider, receivedAt) {
                    verified(payload, header, secret, tolerance || 0, receivedAt);
                    return true;
                },
                async verifyHeaderAsync(...values) { return webhooks.signature.verifyHeader(...values); },
            },
        };

        // MARK: Clients

        const version = "22.5.0", api = "2026-08-26.dahlia";
        const connect = () => new errors.StripeInvalidRequestError({ message: "connect.stripe.com cannot be reached from code: use http-request" });
        const oauth = {
            authorizeUrl(params = {}, { express = false } = {}) {
                const query = Object.entries({ response_type: "code", scope: "read_write", ...params })
                    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join("&");
                return `https://connect.stripe.com/${express ? "express/" : ""}oauth/authorize?${query}`;
            },
            async token() { throw connect(); },
            async deauthorize() { throw connect(); },
        };

        function client(settings, made = {}) {
            const listeners = [];
            const self = {
                settings,
                emit(name, event) {
                    for (const entry of [...listeners]) {
                        if (entry.name !== name) continue;
                        if (entry.isOnce) listeners.splice(listeners.indexOf(entry), 1);
                        entry.listener(event);
                    }
                },
            };
            fill(made, self, "");
            Object.defineProperty(made, "account", { configurable: true, enumerable: true, get: () => made.accounts });
            const raw = (verb, path, params, options = {}) => {
                const name = String(verb).toUpperCase();
                if (name !== "POST" && params && Object.keys(params).length > 0) {
                    return Promise.reject(new Error("rawRequest only supports params on POST requests. Please pass null and add your parameters to path."));
                }
                return request(self, { name: null, verb: name, path: String(path) }, [], params ?? {}, options ?? {});
            };
            const notification = (payload) => {
                const event = read(payload);
                if (event?.object === "event") throw new Error("You passed a webhook payload to a method that expects a thin event notification. Use the corresponding constructEvent method instead.");
                const options = { stripeContext: event.context };
                return Object.assign(event, {
                    fetchEvent: () => raw("GET", `/v2/core/events/${encodeURIComponent(event.id)}`, null, options),
                    fetchRelatedObject: async () => (event.related_object ? raw("GET", event.related_object.url, null, options) : null),
                });
            };
            const on = (isOnce) => (name, listener) => { listeners.push({ name, listener, isOnce }); };
            return Object.assign(made, {
                webhooks, errors, oauth,
                rawRequest: raw,
                parseEventNotification: (payload, header, secret, tolerance, provider, receivedAt) =>
                    notification(verified(payload, header, secret, tolerance || 300, receivedAt)),
                parseEventNotificationAsync: async (...values) => made.parseEventNotification(...values),
                on: on(false),
                once: on(true),
                off(name, listener) {
                    const place = listeners.findIndex((entry) => entry.name === name && entry.listener === listener);
                    if (place >= 0) listeners.splice(place, 1);
                },
                getApiField: (key) => ({ version: settings.apiVersion ?? api, host: "api.stripe.com", basePath: "/v1/" })[key] ?? settings[key] ?? null,
                VERSION: version,
            });
        }

        const configuration = new Set([
            "apiVersion", "typescript", "maxNetworkRetries", "httpAgent", "httpClient", "timeout", "host", "port", "protocol",
            "telemetry", "appInfo", "stripeAccount", "stripeContext", "authenticator", "emitEventBodies",
        ]);
        function Stripe(key, config = {}) {
            if (!new.target) return new Stripe(key, config);
            if (typeof config === "string") config = { apiVersion: config };
            if (!isObject(config ?? {})) throw new Error("Config must be an object");
            const unknown = Object.keys(config ?? {}).filter((name) => !configuration.has(name));
            if (unknown.length > 0) throw new Error(`Config object may only contain the following: ${[...configuration].join(", ")}`);
            if (typeof key !== "string" || key === "") throw new Error("Neither apiKey nor config.authenticator provided");
            for (const name of ["host", "port", "protocol", "authenticator"]) {
                if (config?.[name]) throw new Error(`Stripe: '${name}' is the server's setting, not the code's`);
            }
            const { apiVersion, stripeAccount, stripeContext } = config ?? {};
            client({ apiKey: key, apiVersion, stripeAccount, stripeContext }, this);
        }
        const inert = () => ({});
        Object.assign(Stripe, {
            errors, webhooks, Stripe, PACKAGE_VERSION: version, API_VERSION: api, default: Stripe,
            createNodeHttpClient: inert, createFetchHttpClient: inert, createNodeCryptoProvider: inert,
            createSubtleCryptoProvider: inert,
        });
        // The one of the connection is a `Stripe` too.
        return { stripe: client({}, Object.create(Stripe.prototype)), Stripe };
    };
})
