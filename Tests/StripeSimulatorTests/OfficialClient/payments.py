"""Payments with PyPI stripe 16.x against the simulator: every answer is read by the official client."""
import sys
import time

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


def refused(kind, call, code=None, param=None, status=None):
    try:
        call()
    except kind as error:
        assert code is None or error.code == code, (error.code, code, str(error))
        assert param is None or error.param == param, (error.param, param)
        assert status is None or error.http_status == status, error.http_status
        return error
    raise AssertionError(f"expected {kind.__name__}")


# Customers
ada = v1.customers.create({"email": "ada@example.com", "name": "Ada", "metadata": {"tier": "gold", "x": "1"}})
assert ada.metadata["tier"] == "gold" and ada.id.startswith("cus_")
ada = v1.customers.update(ada.id, {"metadata": {"x": ""}, "address": {"line1": "1 Way", "country": "GB"}})
assert "x" not in ada.metadata and ada.address.country == "GB"
assert v1.customers.retrieve(ada.id).name == "Ada"
bob = v1.customers.create({"email": "bob@example.com"})
assert [c.id for c in v1.customers.list({"email": "bob@example.com"})] == [bob.id]
assert v1.customers.search({"query": "email:'ada@example.com'"}).data[0].id == ada.id
assert v1.customers.search({"query": "metadata['tier']:'gold'"}).data[0].id == ada.id
assert v1.customers.delete(bob.id).deleted
assert v1.customers.retrieve(bob.id).deleted
refused(stripe.InvalidRequestError, lambda: v1.customers.update(bob.id, {"name": "x"}), "resource_missing", "id", 404)
refused(stripe.InvalidRequestError, lambda: v1.customers.create({"email": "nonsense"}), "email_invalid", "email")
refused(stripe.InvalidRequestError, lambda: v1.customers.create({"foo": "1"}), "parameter_unknown", "foo")

# Payment methods
card = v1.payment_methods.create(
    {"type": "card", "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "314"},
     "billing_details": {"name": "Ada", "address": {"postal_code": "12345"}}})
assert card.card.last4 == "4242" and card.billing_details.address.postal_code == "12345"
card = v1.payment_methods.attach(card.id, {"customer": ada.id})
assert card.customer == ada.id
assert [m.id for m in v1.customers.payment_methods.list(ada.id)] == [card.id]
assert v1.customers.payment_methods.retrieve(ada.id, card.id).id == card.id
assert v1.payment_methods.list({"customer": ada.id, "type": "card"}).data[0].id == card.id
assert v1.payment_methods.update(card.id, {"metadata": {"k": "v"}}).metadata["k"] == "v"
alias = v1.payment_methods.attach("pm_card_mastercard", {"customer": ada.id})
assert alias.id != "pm_card_mastercard" and alias.card.brand == "mastercard"
assert v1.payment_methods.detach(alias.id).customer is None
refused(stripe.InvalidRequestError, lambda: v1.payment_methods.attach(alias.id, {"customer": ada.id}), status=400)
refused(stripe.CardError, lambda: v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": ada.id}),
        "card_declined", status=402)
refused(stripe.CardError, lambda: v1.payment_methods.create(
    {"type": "card", "card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2030}}), "incorrect_number")
refused(stripe.InvalidRequestError, lambda: v1.payment_methods.retrieve("pm_nothing"), "resource_missing", status=404)
v1.customers.update(ada.id, {"invoice_settings": {"default_payment_method": card.id}})

# Payment intents
intent = v1.payment_intents.create({"amount": 1999, "currency": "eur", "customer": ada.id, "metadata": {"order": "7"},
                                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}})
assert intent.status == "requires_payment_method" and intent.client_secret.startswith(intent.id + "_secret_")
intent = v1.payment_intents.update(intent.id, {"amount": 2999, "description": "Order 7"})
assert intent.amount == 2999
paid = v1.payment_intents.confirm(intent.id, {"payment_method": card.id, "expand": ["latest_charge"]})
assert paid.status == "succeeded" and paid.latest_charge.amount_captured == 2999
assert paid.latest_charge.payment_method_details.card.brand == "visa"
assert v1.payment_intents.retrieve(intent.id).status == "succeeded"
refused(stripe.InvalidRequestError, lambda: v1.payment_intents.confirm(intent.id), "payment_intent_unexpected_state")
refused(stripe.InvalidRequestError, lambda: v1.payment_intents.cancel(intent.id), "payment_intent_unexpected_state")
assert v1.payment_intents.list({"customer": ada.id}).data[0].id == intent.id
assert v1.payment_intents.search({"query": "metadata['order']:'7'"}).data[0].id == intent.id
held = v1.payment_intents.create({"amount": 500, "currency": "usd", "capture_method": "manual", "confirm": True,
                                  "payment_method": "pm_card_visa", **CARD})
assert held.status == "requires_capture" and held.amount_capturable == 500
refused(stripe.InvalidRequestError, lambda: v1.payment_intents.capture(held.id, {"amount_to_capture": 501}),
        "amount_too_large")
held = v1.payment_intents.capture(held.id, {"amount_to_capture": 300})
assert held.amount_received == 300
dropped = v1.payment_intents.create({"amount": 500, "currency": "usd"})
assert v1.payment_intents.cancel(dropped.id, {"cancellation_reason": "abandoned"}).status == "canceled"
refused(stripe.InvalidRequestError, lambda: v1.payment_intents.create({"amount": 1, "currency": "usd"}),
        "amount_too_small", "amount")
refused(stripe.InvalidRequestError, lambda: v1.payment_intents.create({"amount": 100, "currency": "xxx"}), None,
        "currency")
for name, code, decline in [
    ("chargeDeclined", "card_declined", "generic_decline"),
    ("chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("radarBlock", "card_declined", "fraudulent"),
]:
    error = refused(stripe.CardError, lambda: v1.payment_intents.create(
        {"amount": 700, "currency": "usd", "confirm": True, "payment_method": "pm_card_" + name,
         **CARD}), code, status=402)
    assert error.error.decline_code == decline
    assert error.error.payment_intent.status == "requires_payment_method"
    assert v1.charges.retrieve(error.error.charge).status == "failed"
asked = v1.payment_intents.create({"amount": 900, "currency": "usd", "confirm": True,
                                   "payment_method": "pm_card_threeDSecure2Required",
                                   "return_url": "https://shop.example/back"})
assert asked.status == "requires_action" and asked.next_action.redirect_to_url.url.startswith(base)
error = refused(stripe.CardError, lambda: v1.payment_intents.create(
    {"amount": 900, "currency": "usd", "confirm": True, "off_session": True, "customer": ada.id,
     "payment_method": "pm_card_authenticationRequired", **CARD}),
    "authentication_required", status=402)

# Idempotency
params = {"amount": 1000, "currency": "usd"}
one = v1.payment_intents.create(params, {"idempotency_key": "official-1"})
two = v1.payment_intents.create(params, {"idempotency_key": "official-1"})
assert one.id == two.id and two.last_response.headers["Idempotent-Replayed"] == "true"
refused(stripe.IdempotencyError, lambda: v1.payment_intents.create(
    {"amount": 1001, "currency": "usd"}, {"idempotency_key": "official-1"}), status=400)

# Refunds, charges, balance
refund = v1.refunds.create({"payment_intent": intent.id, "amount": 999, "reason": "requested_by_customer"})
assert refund.status == "succeeded" and refund.currency == "eur"
assert v1.refunds.retrieve(refund.id).amount == 999
assert v1.refunds.update(refund.id, {"metadata": {"why": "late"}}).metadata["why"] == "late"
assert v1.refunds.list({"payment_intent": intent.id}).data[0].id == refund.id
refused(stripe.InvalidRequestError, lambda: v1.refunds.create({"payment_intent": intent.id, "amount": 2001}), None,
        "amount")
v1.refunds.create({"charge": paid.latest_charge.id})
refused(stripe.InvalidRequestError, lambda: v1.refunds.create({"charge": paid.latest_charge.id}),
        "charge_already_refunded")
refused(stripe.InvalidRequestError, lambda: v1.refunds.create({}), "parameter_missing")
charge = v1.charges.retrieve(paid.latest_charge.id, {"expand": ["refunds", "customer", "payment_intent"]})
assert charge.refunded and len(charge.refunds.data) == 2 and charge.customer.email == "ada@example.com"
assert v1.charges.update(charge.id, {"description": "changed"}).description == "changed"
assert len(v1.charges.list({"payment_intent": intent.id}).data) == 1
assert v1.balance.retrieve().pending[0].currency in ("eur", "usd")
assert v1.balance_transactions.list({"limit": 3}).data
transaction = v1.balance_transactions.list({"type": "refund"}).data[0]
assert v1.balance_transactions.retrieve(transaction.id).amount == transaction.amount

# Paging by itself
for index in range(12):
    v1.customers.create({"description": f"page {index}"})
assert len(list(v1.customers.list({"limit": 5}).auto_paging_iter())) >= 13
refused(stripe.InvalidRequestError, lambda: v1.customers.list({"limit": 0}), None, "limit")

# Events and web-hook endpoints
events = list(v1.events.list({"type": "charge.refunded"}))
assert events and events[0].data.object.object == "charge"
assert v1.events.retrieve(events[0].id).type == "charge.refunded"
assert list(v1.events.list({"types": ["refund.created", "customer.deleted"], "limit": 100}))
endpoint = v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.refunded"]})
assert endpoint.secret.startswith("whsec_")
assert v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["*"], "disabled": True}).status == "disabled"
assert v1.webhook_endpoints.retrieve(endpoint.id).enabled_events == ["*"]
assert len(v1.webhook_endpoints.list().data) == 1
assert v1.webhook_endpoints.delete(endpoint.id).deleted

# Keys
refused(stripe.AuthenticationError, lambda: StripeClient(
    "nonsense", base_addresses={"api": base}).v1.customers.list(), status=401)
refused(stripe.PermissionError, lambda: StripeClient(
    "pk_test_official", base_addresses={"api": base}).v1.customers.list(), status=403)

# What is delivered is accepted by the official verification.
body = '{"id": "evt_1", "object": "event", "type": "x.y", "data": {"object": {}}}'
print(calls, "calls")
