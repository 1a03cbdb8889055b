// Drives the script at /v3/ in Node: what a page would do, without a page.
const [base, publishable, secret, declined, asked] = process.argv.slice(2);
const text = await (await fetch(base + "/v3/")).text();
globalThis.STRIPE_SIMULATOR_BASE = base;
(0, eval)(text);
const assert = (condition, words) => { if (!condition) throw new Error(words); };
try { Stripe("sk_test_x"); assert(false, "a secret key was taken"); } catch (error) { assert(/publishable/.test(error), error); }
const stripe = Stripe(publishable);
const shown = await stripe.retrievePaymentIntent(secret);
assert(shown.paymentIntent.status === "requires_payment_method", "retrieve");
assert(shown.paymentIntent.metadata === undefined, "more than a page may see");
const paid = await stripe.confirmCardPayment(secret, {
  payment_method: { card: { number: "4242424242424242", exp_month: 12, exp_year: 2035, cvc: "123" } } });
assert(paid.paymentIntent && paid.paymentIntent.status === "succeeded", JSON.stringify(paid));
const refused = await stripe.confirmCardPayment(declined, { payment_method: "pm_card_chargeDeclined" });
assert(refused.error.code === "card_declined" && refused.error.payment_intent, JSON.stringify(refused));
const action = await stripe.confirmPayment({ clientSecret: asked, redirect: "if_required",
  confirmParams: { payment_method: "pm_card_threeDSecure2Required", return_url: "https://shop.example" } });
assert(action.paymentIntent.status === "requires_action", JSON.stringify(action));
const method = await stripe.createPaymentMethod({ type: "card",
  card: { number: "5555555555554444", exp_month: 1, exp_year: 2033, cvc: "123" } });
assert(method.paymentMethod.card.brand === "mastercard", JSON.stringify(method));
const wrong = await stripe.retrievePaymentIntent(secret.split("_secret_")[0] + "_secret_wrong");
assert(wrong.error, "a wrong secret was taken");
console.log("ok");
