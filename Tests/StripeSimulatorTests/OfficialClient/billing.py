"""Billing, checkout, set-up, disputes and web hooks with PyPI stripe 16.x against the simulator."""
import http.server
import queue
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import stripe
from stripe import StripeClient

base = sys.argv[1]
calls = 0
CARD = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


class Counting(stripe.RequestsClient):
    def request(self, *args, **kwargs):
        global calls
        calls += 1
        return super().request(*args, **kwargs)


client = StripeClient("sk_test_official", base_addresses={"api": base}, http_client=Counting())
v1 = client.v1


def refused(kind, call, code=None, param=None):
    try:
        call()
    except kind as error:
        assert code is None or error.code == code, (error.code, code, str(error))
        assert param is None or error.param == param, (error.param, param)
        return error
    raise AssertionError(f"expected {kind.__name__}")


def post(url, **fields):
    """What a browser does: posts a form, and stays where it is sent."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args, **kwargs):
            return None
    try:
        answer = urllib.request.build_opener(Stay).open(url, urllib.parse.urlencode(fields).encode())
        return answer.status, None, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location"), error.read().decode()


def customer(card="pm_card_visa", **more):
    made = v1.customers.create({"email": "ada@example.com", **more})
    method = v1.payment_methods.attach(card, {"customer": made.id})
    v1.customers.update(made.id, {"invoice_settings": {"default_payment_method": method.id}})
    return made.id


# A web-hook endpoint: what arrives is verified by the official client.
arrived = queue.Queue()


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        arrived.put((self.rfile.read(int(self.headers["Content-Length"])), self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
hook = v1.webhook_endpoints.create(
    {"url": f"http://127.0.0.1:{server.server_port}/hook", "enabled_events": ["invoice.paid", "product.created"]})

# Catalogue
product = v1.products.create({"name": "Mug", "description": "Blue", "metadata": {"k": "v"}})
body, signature = arrived.get(timeout=20)
event = client.construct_event(body, signature, hook.secret)
assert event.type == "product.created" and event.data.object.id == product.id
try:
    client.construct_event(body + b" ", signature, hook.secret)
    raise AssertionError("a changed body was accepted")
except stripe.SignatureVerificationError:
    pass
assert v1.products.update(product.id, {"name": "Big mug"}).name == "Big mug"
assert v1.products.retrieve(product.id).metadata["k"] == "v"
assert v1.products.list({"active": True}).data[0].id == product.id
assert v1.products.search({"query": "name:'Big mug'"}).data
once = v1.prices.create({"product": product.id, "unit_amount": 700, "currency": "usd", "lookup_key": "mug"})
monthly = v1.prices.create({"product_data": {"name": "Plan"}, "unit_amount": 1000, "currency": "usd",
                            "recurring": {"interval": "month"}})
dear = v1.prices.create({"product": monthly.product, "unit_amount": 3000, "currency": "usd",
                         "recurring": {"interval": "month"}, "nickname": "Dear"})
assert v1.prices.list({"lookup_keys": ["mug"]}).data[0].id == once.id
assert v1.prices.update(once.id, {"nickname": "One mug"}).nickname == "One mug"
assert v1.prices.retrieve(dear.id, {"expand": ["product"]}).product.name == "Plan"
assert v1.prices.search({"query": "lookup_key:'mug'"}).data[0].id == once.id
refused(stripe.InvalidRequestError, lambda: v1.products.delete(product.id))
gone = v1.products.create({"name": "Gone"})
assert v1.products.delete(gone.id).deleted
coupon = v1.coupons.create({"percent_off": 25, "duration": "forever", "name": "Quarter"})
assert v1.coupons.update(coupon.id, {"name": "A quarter"}).name == "A quarter"
assert v1.coupons.retrieve(coupon.id).percent_off == 25
assert v1.coupons.list().data[0].id == coupon.id
code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SAVE"})
assert v1.promotion_codes.list({"code": "SAVE"}).data[0].id == code.id
assert v1.promotion_codes.update(code.id, {"active": False}).active is False
assert v1.promotion_codes.retrieve(code.id).code == "SAVE"

# Subscriptions
ada = customer()
sub = v1.subscriptions.create({"customer": ada, "items": [{"price": monthly.id}],
                               "expand": ["latest_invoice.payments", "latest_invoice.confirmation_secret"]})
assert sub.status == "active" and sub.latest_invoice.status == "paid"
assert sub.latest_invoice.payments.data[0].payment.payment_intent.startswith("pi_")
assert sub.latest_invoice.parent.subscription_details.subscription == sub.id
while client.construct_event(*arrived.get(timeout=20), hook.secret).type != "invoice.paid":
    pass
item = sub["items"].data[0]
assert item.current_period_end > item.current_period_start
sub = v1.subscriptions.update(sub.id, {"items": [{"id": item.id, "price": dear.id}],
                                       "proration_behavior": "always_invoice", "metadata": {"a": "b"}})
assert sub["items"].data[0].price.id == dear.id
assert v1.subscriptions.retrieve(sub.id).metadata["a"] == "b"
assert v1.subscriptions.list({"customer": ada}).data[0].id == sub.id
assert v1.subscriptions.search({"query": "metadata['a']:'b'"}).data[0].id == sub.id
assert v1.subscription_items.list({"subscription": sub.id}).data[0].price.id == dear.id
extra = v1.subscription_items.create({"subscription": sub.id, "price": monthly.id, "quantity": 2})
assert v1.subscription_items.retrieve(extra.id).quantity == 2
assert v1.subscription_items.update(extra.id, {"quantity": 3}).quantity == 3
assert v1.subscription_items.delete(extra.id).deleted
assert v1.subscriptions.update(sub.id, {"cancel_at_period_end": True}).cancel_at_period_end
assert not v1.subscriptions.update(sub.id, {"cancel_at_period_end": False}).cancel_at_period_end
assert v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": "void"}}).pause_collection.behavior == "void"
assert v1.subscriptions.update(sub.id, {"pause_collection": ""}).pause_collection is None
assert v1.subscriptions.cancel(sub.id).status == "canceled"
trial = v1.subscriptions.create({"customer": ada, "items": [{"price": monthly.id}], "trial_period_days": 14})
assert trial.status == "trialing" and v1.subscriptions.update(trial.id, {"trial_end": "now"}).status == "active"
waiting = v1.subscriptions.create({"customer": v1.customers.create().id, "items": [{"price": monthly.id}],
                                   "payment_behavior": "default_incomplete",
                                   "expand": ["latest_invoice.confirmation_secret"]})
assert waiting.status == "incomplete"
secret = waiting.latest_invoice.confirmation_secret.client_secret
paid = v1.payment_intents.confirm(secret.split("_secret_")[0], {"payment_method": "pm_card_visa"})
assert paid.status == "succeeded" and v1.subscriptions.retrieve(waiting.id).status == "active"
refused(stripe.InvalidRequestError, lambda: v1.subscriptions.create(
    {"customer": v1.customers.create().id, "items": [{"price": monthly.id}]}), "resource_missing")
refused(stripe.InvalidRequestError, lambda: v1.subscriptions.create(
    {"customer": ada, "items": [{"price": "price_none"}]}), "resource_missing", "items[0][price]")
refused(stripe.CardError, lambda: v1.subscriptions.create(
    {"customer": customer("pm_card_chargeCustomerFail"), "items": [{"price": monthly.id}],
     "payment_behavior": "error_if_incomplete"}), "card_declined")
half = v1.subscriptions.create({"customer": ada, "items": [{"price": monthly.id}],
                                "discounts": [{"coupon": coupon.id}], "expand": ["latest_invoice"]})
assert half.latest_invoice.total == 750

# Test clocks
clock = v1.test_helpers.test_clocks.create({"frozen_time": 1800000000, "name": "year"})
cyd = customer(test_clock=clock.id)
year = v1.subscriptions.create({"customer": cyd, "items": [{"price": monthly.id}]})
refused(stripe.InvalidRequestError, lambda: v1.test_helpers.test_clocks.advance(
    clock.id, {"frozen_time": 1800000000 + 366 * 86400}), None, "frozen_time")
for days in [*range(58, 366, 58), 366]:
    v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1800000000 + days * 86400})
assert v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
assert len(list(v1.invoices.list({"subscription": year.id}).auto_paging_iter())) == 13
assert len(v1.test_helpers.test_clocks.list().data) == 1
assert v1.test_helpers.test_clocks.delete(clock.id).deleted

# Invoices
draft = v1.invoices.create({"customer": ada, "collection_method": "send_invoice", "days_until_due": 7})
line = v1.invoice_items.create({"customer": ada, "invoice": draft.id, "pricing": {"price": once.id}, "quantity": 2})
assert v1.invoice_items.retrieve(line.id).amount == 1400
assert v1.invoice_items.list({"customer": ada}).data[0].id == line.id
v1.invoices.add_lines(draft.id, {"lines": [{"amount": 100, "description": "Postage"}]})
assert len(v1.invoices.line_items.list(draft.id).data) == 2
assert v1.invoices.update(draft.id, {"description": "Thanks"}).total == 1500
sent = v1.invoices.send_invoice(draft.id)
assert sent.status == "open" and sent.amount_due == 1500 and sent.number
note = v1.credit_notes.create({"invoice": draft.id, "lines": [
    {"type": "custom_line_item", "description": "Sorry", "quantity": 1, "unit_amount": 500}]})
assert note.amount == 500 and v1.credit_notes.retrieve(note.id).status == "issued"
paid = v1.invoices.pay(draft.id, {"payment_method": "pm_card_visa"})
assert paid.status == "paid" and paid.amount_paid == 1000
payment = v1.invoice_payments.list({"invoice": draft.id}).data[0]
assert payment.status == "paid" and v1.invoice_payments.retrieve(payment.id).amount_paid
refused(stripe.InvalidRequestError, lambda: v1.invoices.pay(draft.id), "invoice_already_paid")
for end in ("void_invoice", "mark_uncollectible"):
    other = v1.invoices.create({"customer": ada})
    v1.invoice_items.create({"customer": ada, "invoice": other.id, "amount": 900, "currency": "usd"})
    v1.invoices.finalize_invoice(other.id)
    assert getattr(v1.invoices, end)(other.id).status in ("void", "uncollectible")
spare = v1.invoices.create({"customer": ada})
assert v1.invoices.delete(spare.id).deleted
assert v1.invoices.create_preview({"subscription": half.id}).total == 750
assert v1.invoices.search({"query": "status:'paid'"}).data

# Checkout
session = v1.checkout.sessions.create(
    {"mode": "payment", "success_url": "https://shop.example/ok?s={CHECKOUT_SESSION_ID}",
     "line_items": [{"price": once.id, "quantity": 2}], "metadata": {"order": "9"}})
assert session.status == "open" and session.amount_total == 1400 and session.url.startswith(base)
assert "Big mug" in urllib.request.urlopen(session.url).read().decode()
assert v1.checkout.sessions.line_items.list(session.id).data[0].quantity == 2
card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2035", "cvc": "123"}
assert "declined" in post(session.url, **{**card, "number": "4000000000000002"})[2]
status, location, _ = post(session.url, email="x@y.example", **card)
assert status == 303 and location == f"https://shop.example/ok?s={session.id}"
session = v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge", "line_items"]})
assert session.payment_status == "paid" and session.payment_intent.latest_charge.paid
assert v1.checkout.sessions.list({"payment_intent": session.payment_intent.id}).data[0].id == session.id
expiring = v1.checkout.sessions.create({"mode": "setup", "currency": "usd", "success_url": "https://shop.example"})
assert v1.checkout.sessions.expire(expiring.id).status == "expired"
refused(stripe.InvalidRequestError, lambda: v1.checkout.sessions.expire(expiring.id))
renewing = v1.checkout.sessions.create({"mode": "subscription", "success_url": "https://shop.example/ok",
                                        "line_items": [{"price": monthly.id, "quantity": 1}]})
assert post(renewing.url, email="x@y.example", **card)[0] == 303
assert v1.checkout.sessions.retrieve(renewing.id, {"expand": ["subscription"]}).subscription.status == "active"

# Set-up and 3-D Secure
setup = v1.setup_intents.create({"customer": ada, "confirm": True, "payment_method": "pm_card_visa", **CARD})
assert setup.status == "succeeded" and v1.setup_intents.retrieve(setup.id).latest_attempt
asked = v1.setup_intents.create({"customer": ada, "payment_method": "pm_card_threeDSecure2Required"})
asked = v1.setup_intents.confirm(asked.id, {"return_url": "https://shop.example/back"})
url = asked.next_action.redirect_to_url.url
fields = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(url).query))
status, location, _ = post(base + "/3d_secure_2/complete", outcome="succeeded", **fields)
assert status == 303 and "redirect_status=succeeded" in location
assert v1.setup_intents.retrieve(asked.id).status == "succeeded"
dropped = v1.setup_intents.create({"description": "never mind"})
assert v1.setup_intents.update(dropped.id, {"metadata": {"a": "b"}}).metadata["a"] == "b"
assert v1.setup_intents.cancel(dropped.id).status == "canceled"
assert len(v1.setup_intents.list({"customer": ada}).data) == 2
secure = v1.payment_intents.create({"amount": 900, "currency": "usd", "confirm": True,
                                    "payment_method": "pm_card_threeDSecure2Required",
                                    "return_url": "https://shop.example/back"})
fields = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(secure.next_action.redirect_to_url.url).query))
assert "redirect_status=failed" in post(base + "/3d_secure_2/complete", outcome="failed", **fields)[1]
failed = v1.payment_intents.retrieve(secure.id)
assert failed.last_payment_error.code == "payment_intent_authentication_failure"

# Disputes, payouts, balance
v1.payment_intents.create({"amount": 2000, "currency": "usd", "confirm": True,
                           "payment_method": "pm_card_createDispute", **CARD})
dispute = v1.disputes.list().data[0]
assert v1.disputes.retrieve(dispute.id).status == "needs_response"
assert v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}).status == "under_review"
v1.payment_intents.create({"amount": 9000, "currency": "usd", "confirm": True,
                           "payment_method": "pm_card_bypassPending", **CARD})
payout = v1.payouts.create({"amount": 1000, "currency": "usd"})
assert v1.payouts.retrieve(payout.id).status == "pending" and v1.payouts.list().data
assert v1.payouts.cancel(payout.id).status == "canceled"
refused(stripe.InvalidRequestError, lambda: v1.payouts.create({"amount": 99999999, "currency": "usd"}),
        "balance_insufficient")
assert v1.balance.retrieve().available
plan = v1.plans.create({"amount": 500, "currency": "usd", "interval": "week", "product": {"name": "Old"}})
assert v1.plans.retrieve(plan.id).amount == 500 and v1.plans.delete(plan.id).deleted

# Every event can be read.
types = {event.type for event in v1.events.list({"limit": 100}).auto_paging_iter()}
assert {"invoice.paid", "checkout.session.completed", "charge.dispute.created"} <= types, types
server.shutdown()
print(calls, "calls")
