/* <runnel-payment>: lets a customer pay or subscribe, and says PAID when the server's callback has run, never before.
 *
 *   <script type="module" src="/runnel/payment.js"></script>
 *   <runnel-payment flow="checkout" input='{"orderId": 1}' token="…"></runnel-payment>
 *   <runnel-payment widget="donation"></runnel-payment>
 *   <runnel-payment flow="subscribe" input='{"plan": 1}'></runnel-payment>
 *
 * Attributes: `flow` and `input` (JSON), or `widget`; `token` of a caller, if the flow wants one; `label` of the button.
 * Events, which bubble: `runnel-payment` with `detail.state`: loading, ready, confirming, waiting, paid, started, failed.
 * `started`: a subscription whose trial costs nothing has begun, and the card for later is left with Stripe.
 * Colours and corners are CSS variables: --runnel-accent, --runnel-accent-text, --runnel-border, --runnel-radius.
 *
 * What Stripe's script answers in the page proves nothing and is only shown as "waiting": the row of the payment, or of
 * the recurring payment, on the server is what counts, followed with a ticket that the client secret buys.
 */

const SCRIPT = new URL(import.meta.url);
const STORED = "runnel-payment:";

const STYLE = `
runnel-payment { display: block; font: inherit; color: inherit; }
runnel-payment form { display: grid; gap: 1rem; margin: 0; }
runnel-payment [hidden] { display: none !important; }
runnel-payment .runnel-card { min-height: 3rem; display: grid; gap: .75rem; }
runnel-payment .runnel-card label { display: grid; gap: .3rem; font-size: .875rem; font-weight: 600; }
runnel-payment .runnel-card input {
  font: inherit; font-weight: 400; font-size: 1rem; padding: .7rem .8rem; min-width: 0; width: 100%;
  box-sizing: border-box; color: inherit; background: transparent;
  border: 1px solid var(--runnel-border, #8a8f98); border-radius: var(--runnel-radius, .5rem);
}
@media (min-width: 26rem) {
  runnel-payment .runnel-card:has(input) { grid-template-columns: 1fr 1fr; }
  runnel-payment .runnel-card label:first-of-type { grid-column: 1 / -1; }
}
runnel-payment button {
  font: inherit; font-weight: 650; padding: .85rem 1rem; border: 0; cursor: pointer;
  color: var(--runnel-accent-text, #fff); background: var(--runnel-accent, #1f5eff);
  border-radius: var(--runnel-radius, .5rem);
}
runnel-payment button[aria-disabled=true] { opacity: .6; cursor: progress; }
runnel-payment :is(button, input, .runnel-result):focus-visible {
  outline: 3px solid var(--runnel-accent, #1f5eff); outline-offset: 2px;
}
runnel-payment .runnel-alert {
  margin: 0; padding: .7rem .8rem; color: #8c1111; background: #fdeceb;
  border-inline-start: 4px solid #c62020; border-radius: var(--runnel-radius, .5rem);
}
runnel-payment .runnel-status { margin: 0; display: flex; gap: .6rem; align-items: center; }
runnel-payment .runnel-status:not(:empty)::before {
  content: ""; flex: none; inline-size: 1.1em; block-size: 1.1em; border-radius: 50%;
  border: 3px solid currentColor; border-block-start-color: transparent; animation: runnel-turn 1s linear infinite;
}
@keyframes runnel-turn { to { rotate: 1turn; } }
@media (prefers-reduced-motion: reduce) { runnel-payment .runnel-status::before { animation-duration: 8s; } }
runnel-payment .runnel-result {
  display: grid; gap: .25rem; padding: 1rem; color: #0c4a2a; background: #e5f6ec;
  border-inline-start: 4px solid #14804a; border-radius: var(--runnel-radius, .5rem);
}
runnel-payment .runnel-result strong { font-size: 1.25rem; letter-spacing: .04em; }
`;

const TEXT = {
  loading: "Preparing the payment…",
  confirming: "Your bank is being asked…",
  waiting: "Waiting for the confirmation of your payment…",
  slow: "This takes longer than usual. You may leave this page: the payment goes on without it.",
  network: "The connection failed. Nothing was paid; please try again.",
  declined: "The payment was declined. Please try another card.",
  authentication: "Your bank did not confirm that it was you. Please try again, or with another card.",
  cancelled: "The payment was cancelled.",
};

/** Adds the style once to the document; a constructed sheet needs no `unsafe-inline`. */
function adopt(root) {
  if (root.adoptedStyleSheets.some((sheet) => sheet.runnel)) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  sheet.runnel = true;
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

let configuration;
/** Where Stripe's script is; the same for all elements. */
function configured() {
  configuration ??= fetch(new URL("/runnel/config.json", SCRIPT)).then((answer) => answer.json());
  return configuration;
}

let script;
/** Stripe's own script, or the simulator's stand-in; it must come from there and cannot be bundled. */
function stripeScript(url) {
  script ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = url;
    element.addEventListener("load", () => resolve(window.Stripe));
    element.addEventListener("error", () => { script = undefined; reject(new Error("Stripe's script did not load")); });
    document.head.append(element);
  });
  return script;
}

class Refusal extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}

async function post(path, body, headers) {
  const answer = await fetch(new URL(path, SCRIPT), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, value.code, value.detail || value.message || TEXT.network);
  return { status: answer.status, value };
}

/** Currencies that Stripe counts in other decimals than two; a browser's own idea of them differs (isk, rsd, ugx). */
const DECIMALS = new Map([
  ...["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
    .map((currency) => [currency, 0]),
  ...["bhd", "jod", "kwd", "omr", "tnd"].map((currency) => [currency, 3]),
]);

/** An amount in Stripe's minor units as people read it: 500 is $5.00, ¥500, KWD 0.500. */
function money(minor, currency) {
  const decimals = DECIMALS.get(currency) ?? 2;
  const format = new Intl.NumberFormat(document.documentElement.lang || undefined, {
    style: "currency", currency: currency.toUpperCase(), minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
  return format.format(minor / 10 ** decimals);
}

/** Follows the row that a client secret opens until `close`; tells `onRow` of each state it has, and whose table it is. */
class Follower {
  constructor(secret, onRow) {
    this.secret = secret;
    this.onRow = onRow;
    this.pause = 500;
    this.open();
  }

  async open() {
    try {
      const { value } = await post("/tables/payments/tickets", { clientSecret: this.secret });
      if (this.closed) return;
      const source = new EventSource(new URL(value.url, SCRIPT));
      this.source = source;
      const take = (event) => { this.pause = 500; this.onRow(JSON.parse(event.data), value.table); };
      source.addEventListener("snapshot", take);
      source.addEventListener("update", take);
      // A ticket is used up; another stream begins with a snapshot, so nothing is missed.
      source.addEventListener("reset", () => this.again());
      source.addEventListener("error", () => this.again());
    } catch {
      this.again();
    }
  }

  again() {
    this.source?.close();
    if (this.closed) return;
    setTimeout(() => this.closed || this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, 15000);
  }

  close() {
    this.closed = true;
    this.source?.close();
  }
}

class RunnelPayment extends HTMLElement {
  #state = "new";
  #row;
  /** Whose row it is: `payments`, or `recurring_payments`. */
  #table;
  #secret;
  /** Stripe's publishable key. */
  #key;
  #stripe;
  #elements;
  #parts;
  #follower;

  connectedCallback() {
    if (this.#parts) return;
    adopt(this.getRootNode().adoptedStyleSheets ? this.getRootNode() : document);
    this.#build();
    this.#resume() || this.start();
  }

  disconnectedCallback() {
    this.#follower?.close();
  }

  get state() { return this.#state; }

  /** An amount in minor units, as this element writes it. */
  static money(minor, currency) { return money(minor, currency); }

  /** Asks the flow for a client secret and shows Stripe's form. */
  async start() {
    this.#enter("loading", TEXT.loading);
    try {
      const { status, value } = await post("/pages/" + encodeURIComponent(this.#flow), this.#input, this.#headers);
      if (status !== 200 || !value.clientSecret) throw new Refusal(status, "no_client_secret", TEXT.network);
      await this.#show(value.clientSecret, value.publishableKey);
      this.#follow();
    } catch (error) {
      this.#fail(error instanceof Refusal ? error.message : TEXT.network, true);
    }
  }

  // What the attributes say

  get #flow() { return this.hasAttribute("widget") ? "widget-" + this.getAttribute("widget") : this.getAttribute("flow") || ""; }

  get #input() { return JSON.parse(this.getAttribute("input") || "{}"); }

  get #headers() {
    // The same for a repetition after a lost answer: one press starts one payment.
    this.key ??= crypto.randomUUID();
    const token = this.token || this.getAttribute("token");
    return { "Idempotency-Key": this.key, ...(token ? { Authorization: "Bearer " + token } : {}) };
  }

  // The form

  #build() {
    const make = (name, properties) => Object.assign(document.createElement(name), properties);
    const form = make("form", { noValidate: true });
    const card = make("div", { className: "runnel-card" });
    const alert = make("p", { className: "runnel-alert", hidden: true, tabIndex: -1 });
    alert.setAttribute("role", "alert");
    const button = make("button", { type: "submit", textContent: this.getAttribute("label") || "Pay" });
    const status = make("p", { className: "runnel-status" });
    status.setAttribute("role", "status");
    const result = make("div", { className: "runnel-result", hidden: true, tabIndex: -1 });
    form.append(card, alert, button, status);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#submit(); });
    this.#parts = { form, card, alert, button, status, result };
    this.replaceChildren(form, result);
  }

  async #show(secret, key) {
    this.#secret = secret;
    this.#key = key;
    const { stripe: url } = await configured();
    const Stripe = await stripeScript(url);
    this.#stripe = Stripe(key);
    this.#elements = this.#stripe.elements({ clientSecret: secret });
    this.#elements.create("payment").mount(this.#parts.card);
    this.#enter("ready", "");
  }

  #submit() {
    if (this.#state === "ready") this.#confirm();
    // Nothing could be prepared: the button asks once more.
    else if (this.#state === "failed" && !this.#elements) { this.key = undefined; this.start(); }
  }

  async #confirm() {
    this.#enter("confirming", TEXT.confirming);
    const intent = this.#secret.split("_secret_")[0];
    const confirm = this.#isSetup ? this.#stripe.confirmSetup : this.#stripe.confirmPayment;
    // The bank may lead away from this page: what comes back must find its element.
    sessionStorage.setItem(STORED + intent, JSON.stringify({ name: this.#name, key: this.#key }));
    const back = new URL(location.href);
    back.hash = "";
    const { error } = await confirm.call(this.#stripe, {
      elements: this.#elements,
      confirmParams: { return_url: back.href },
      redirect: "if_required",
    });
    if (["paid", "started"].includes(this.#state)) return;
    if (error) return this.#fail(error.message || TEXT.declined);
    this.#wait();
  }

  get #name() { return this.id || this.#flow; }

  /** Nothing is paid now: a card is left for when a trial is over. */
  get #isSetup() { return this.#secret?.startsWith("seti_") ?? false; }

  // Coming back from the bank

  /** Takes up a payment that the bank's page led back from; the secret does not stay in the address. */
  #resume() {
    const address = new URL(location.href);
    const kind = address.searchParams.has("setup_intent") ? "setup_intent" : "payment_intent";
    const secret = address.searchParams.get(kind + "_client_secret");
    const intent = address.searchParams.get(kind);
    const stored = JSON.parse(sessionStorage.getItem(STORED + intent) || "{}");
    if (!secret || stored.name !== this.#name) return false;
    const failed = address.searchParams.get("redirect_status") === "failed";
    for (const name of [kind, kind + "_client_secret", "redirect_status", "source_type"]) {
      address.searchParams.delete(name);
    }
    history.replaceState(history.state, "", address);
    sessionStorage.removeItem(STORED + intent);
    this.#secret = secret;
    if (failed) this.#retry(stored.key); else this.#wait();
    this.#follow();
    return true;
  }

  /** The same payment once more, with its form: there is still nothing paid. */
  async #retry(key) {
    try {
      await this.#show(this.#secret, key);
      this.#fail(TEXT.authentication);
    } catch {
      this.#fail(TEXT.network, true);
    }
  }

  // What the server says

  #wait() {
    this.#enter("waiting", TEXT.waiting);
    // A trial's row may have said all it has to say before the card was left.
    if (this.#row && this.#table === "recurring_payments") this.#takeRecurring(this.#row, this.#amount);
    if (this.#state !== "waiting") return;
    setTimeout(() => { if (this.#state === "waiting") this.#parts.status.textContent = TEXT.slow; }, 60000);
  }

  #follow() {
    this.#follower?.close();
    this.#follower = new Follower(this.#secret, (row, table) => this.#take(row, table));
  }

  #take(row, table) {
    // What was so before this attempt says nothing about it.
    const isNews = this.#row && this.#row.updatedAt !== row.updatedAt;
    this.#row = row;
    this.#table = table;
    const amount = this.#amount;
    if (amount && !["paid", "started", "failed"].includes(this.#state)) {
      const word = this.getAttribute("label") || (this.#isSetup ? "Start the trial" : "Pay");
      this.#parts.button.textContent = this.#isSetup ? word : word + " " + amount;
    }
    if (table === "recurring_payments") return this.#takeRecurring(row, amount);
    // The money has come AND the app's own flow has dealt with it: only then.
    if (row.status === "SUCCEEDED" && row.callback === "SUCCEEDED") return this.#over("paid", "PAID", `Thank you. ${amount} received.`);
    if (row.status === "SUCCEEDED" && this.#state !== "waiting") return this.#wait();
    if (row.status === "CANCELLED") return this.#fail(TEXT.cancelled, true);
    if (isNews && row.status === "FAILED" && this.#state === "waiting") this.#fail(TEXT.declined, !this.#elements);
  }

  #takeRecurring(row, amount) {
    if (row.status === "CANCELLED") return this.#fail(TEXT.cancelled, true);
    // The first invoice is paid AND the app's own flow has dealt with it.
    if (row.callback !== "PAID") return;
    if (!this.#isSetup && row.status === "ACTIVE") {
      return this.#over("paid", "PAID", `Thank you. ${amount} received; your subscription has begun.`);
    }
    // A trial begins at once: what is waited for here is that the card was left for when it ends.
    if (this.#isSetup && row.status === "TRIALING" && this.#state === "waiting") {
      const end = new Date(row.currentPeriodEnd).toLocaleDateString(document.documentElement.lang || undefined);
      this.#over("started", "STARTED", `Nothing was charged. Your trial ends on ${end}, then it is ${amount}.`);
    }
  }

  get #amount() {
    return this.#row?.currency ? money(this.#row.amount, this.#row.currency) : "";
  }

  #over(state, word, text) {
    this.#follower?.close();
    const { form, result } = this.#parts;
    const strong = Object.assign(document.createElement("strong"), { textContent: word });
    result.replaceChildren(strong, Object.assign(document.createElement("span"), { textContent: text }));
    form.hidden = true;
    result.hidden = false;
    this.#enter(state, "");
    result.focus();
  }

  /** Shows what went wrong; the form stays for another try, or is begun anew where there is none. */
  #fail(message, isOver = false) {
    const { alert, card } = this.#parts;
    if (isOver) {
      this.#follower?.close();
      this.#elements = undefined;
      card.replaceChildren();
    }
    this.#enter(isOver ? "failed" : "ready", "", isOver ? message : undefined);
    alert.textContent = message;
    alert.hidden = false;
    alert.focus();
    if (!isOver) this.#tell("failed", message);
  }

  #enter(state, status, message) {
    const { form, card, alert, button } = this.#parts;
    const isBusy = ["loading", "confirming", "waiting"].includes(state);
    this.#state = state;
    this.dataset.state = state;
    this.setAttribute("aria-busy", String(isBusy));
    if (isBusy) alert.hidden = true;
    // Disabled for real, it would lose the keyboard's place.
    button.setAttribute("aria-disabled", String(isBusy));
    button.hidden = state === "loading" || state === "waiting";
    if (state === "failed") button.textContent = "Try again";
    card.hidden = state === "waiting" || state === "failed";
    this.#parts.status.textContent = status;
    form.setAttribute("aria-label", this.getAttribute("aria-label") || "Payment");
    this.#tell(state, message);
  }

  #tell(state, message) {
    this.dispatchEvent(new CustomEvent("runnel-payment", { bubbles: true, detail: { state, message, payment: this.#row } }));
  }
}

customElements.define("runnel-payment", RunnelPayment);
