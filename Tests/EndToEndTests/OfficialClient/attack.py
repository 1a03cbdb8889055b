"""What somebody can try who has Stripe's official client, a publishable key, a customer's token and a web hook's address.

Arguments: the simulator's address, the server's, a customer's token, an admin's token, the web hook's secret.
The shop has one product of 1299; each attack uses an order of its own.
"""
import concurrent.futures
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

import stripe
from stripe import StripeClient

base, server, ann, boss, secret = sys.argv[1:6]
merchant = StripeClient("sk_test_demoShop", base_addresses={"api": base}, max_network_retries=0).v1
page_client = StripeClient("pk_test_demoShop", base_addresses={"api": base}, max_network_retries=0).v1
BACK = "http://127.0.0.1/done"


def ask(method, path, body=None, headers=None):
    request = urllib.request.Request(server + path, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text[:1] == b"{" else text


def page(flow, value, token):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return ask("POST", f"/pages/{flow}", json.dumps(value).encode(), headers)


def row(table, number):
    return ask("GET", f"/tables/{table}/{number}", headers={"Authorization": f"Bearer {boss}"})[1]


def until(what, wanted):
    for _ in range(400):
        seen = what()
        if seen == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{seen}, not {wanted}")


def order():
    """A new order of Ann's with an open intent: its number, its payment's, the intent's id and client secret."""
    number = page("place-order", {"product": 1}, ann)[1]["orderId"]
    checkout = page("checkout", {"orderId": number}, ann)[1]
    return number, checkout["paymentId"], checkout["clientSecret"].split("_secret_")[0], checkout["clientSecret"]


def refused(call):
    try:
        call()
    except stripe.StripeError as error:
        return error.http_status
    raise AssertionError("it was let through")


def pay(intent, client_secret, card="pm_card_visa"):
    return page_client.payment_intents.confirm(
        intent, {"client_secret": client_secret, "payment_method": card, "return_url": BACK})


# A publishable key opens nothing but the intent whose secret one holds, and changes no amount.
number, payment, intent, client_secret = order()
_, _, other, other_secret = order()
for attempt in [
    lambda: page_client.payment_intents.list(),
    lambda: page_client.events.list(),
    lambda: page_client.refunds.create({"payment_intent": intent}),
    lambda: page_client.payment_intents.create({"amount": 50, "currency": "usd"}),
    lambda: page_client.payment_intents.retrieve(intent),
    lambda: page_client.payment_intents.retrieve(intent, {"client_secret": other_secret}),
    lambda: page_client.payment_intents.update(intent, {"amount": 50}),
    lambda: page_client.payment_intents.capture(intent),
    lambda: page_client.payment_intents.cancel(intent),
    lambda: pay(intent, other_secret),
    lambda: pay(intent, client_secret + "x"),
]:
    assert 400 <= refused(attempt) < 500
assert row("orders", number)["status"] == "NEW"

# Telling the server of a payment that did not happen, or of somebody else's.
for given in [(intent, client_secret), (intent, other_secret), (other, client_secret), ("pi_3none", client_secret)]:
    status, body = page("confirm", {"paymentIntent": given[0], "clientSecret": given[1]}, ann)
    assert status in (404, 409), (status, body)
assert row("orders", number)["status"] == "NEW" and row("payments", payment)["status"] == "CREATED"

# An amount that was changed at Stripe: the money is there, the order is not paid, and no more than came in goes back.
merchant.payment_intents.update(intent, {"amount": 50})
assert pay(intent, client_secret).status == "succeeded"
until(lambda: row("payments", payment)["callback"], "SUCCEEDED")
assert row("payments", payment)["received"] == 50 and row("orders", number)["status"] == "NEW"

# An intent of one's own that says it is the order's: nothing here believes what stands in metadata.
number, payment, intent, client_secret = order()
metadata = merchant.payment_intents.retrieve(intent).metadata.to_dict()
copy = merchant.payment_intents.create({
    "amount": 1299, "currency": "usd", "metadata": metadata, "confirm": True, "payment_method": "pm_card_visa",
    "return_url": BACK})
assert copy.status == "succeeded"
until(lambda: merchant.events.list({"type": "payment_intent.succeeded"}).data[0].pending_webhooks, 0)
assert row("orders", number)["status"] == "NEW" and row("payments", payment)["status"] == "CREATED"

# The real thing, and its event a hundred times, by thirty at once.
assert pay(intent, client_secret).status == "succeeded"
until(lambda: row("orders", number)["status"], "PAID")
sales = row("products", 1)["sales"]
event = next(e for e in merchant.events.list({"type": "payment_intent.succeeded"}) if e.data.object.id == intent)
body = json.dumps(event.to_dict()).encode()


def sign(payload, key=secret, at=None, scheme="v1"):
    stamp = int(time.time()) if at is None else at
    code = hmac.new(key.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},{scheme}={code}"


def hook(payload, header):
    headers = {"Content-Type": "application/json"}
    if header is not None:
        headers["Stripe-Signature"] = header
    return ask("POST", "/hooks/stripe", payload, headers)[0]


stripe.Webhook.construct_event(body, sign(body), secret)  # The official client takes what we sign here.
with concurrent.futures.ThreadPoolExecutor(30) as pool:
    assert set(pool.map(lambda _: hook(body, sign(body)), range(100))) == {200}
assert row("products", 1)["sales"] == sales and row("orders", number)["status"] == "PAID"

# Forged, old, future, twisted: none gets in, and a server that took all of it in still answers.
now = int(time.time())
forged = dict(event.to_dict(), id="evt_1forgedforgedforgedforged")
forged["data"] = {"object": dict(forged["data"]["object"], id=other, amount=1299, amount_received=1299)}
fake = json.dumps(forged).encode()
live = json.dumps(dict(forged, livemode=True)).encode()
deep = b'{"id": "evt_1", "object": "event", "data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
good = sign(fake)
for payload, header in [
    (fake, None), (fake, ""), (fake, "t=,v1="), (fake, "t=1"), (fake, "v1=" + "0" * 64),
    (fake, sign(fake, "whsec_another")), (fake, sign(fake, "")), (fake, sign(fake, scheme="v0")),
    (fake, sign(fake, at=now - 301)), (fake, sign(fake, at=now + 400)), (fake, sign(fake, at=-1)),
    (fake, sign(fake, at=2**63)), (fake, f"t={now}," + good), (fake, good.upper()), (fake, good + "," * 100_000),
    (fake + b" ", good), (fake[:-1], good), (body, good), (live, sign(live)), (deep, sign(deep)),
    (b"", sign(b"")), (b"null", sign(b"null")), (b"\xff\xfe", sign(b"\xff\xfe")), (b"[]", sign(b"[]")),
    (b"{" + b" " * (1 << 21) + b"}", sign(b"{")),
]:
    status = hook(payload, header)
    assert 400 <= status < 500, (status, payload[:60], (header or "")[:60])
assert merchant.payment_intents.retrieve(other).status == "requires_payment_method"
assert not any(row("orders", n)["status"] == "PAID" for n in range(1, number))

# Many hands at once: the card is charged once; what goes back is at most what came in, whoever asks for it.
number, payment, intent, client_secret = order()


def attempt(call):
    try:
        return call()
    except stripe.StripeError as error:
        return error


with concurrent.futures.ThreadPoolExecutor(20) as pool:
    cards = ["pm_card_visa", "pm_card_mastercard", "pm_card_visa_chargeDeclined"] * 7
    list(pool.map(lambda card: attempt(lambda: pay(intent, client_secret, card)), cards))
assert len(merchant.charges.list({"payment_intent": intent, "limit": 100}).data) >= 1
assert sum(c.paid for c in merchant.charges.list({"payment_intent": intent, "limit": 100})) == 1
until(lambda: row("orders", number)["status"], "PAID")
with concurrent.futures.ThreadPoolExecutor(20) as pool:
    at_stripe = [lambda: attempt(lambda: merchant.refunds.create({"payment_intent": intent, "amount": 200}))] * 8
    here = [lambda: page("refund-order", {"orderId": number}, boss)] * 8
    cancels = [lambda: attempt(lambda: merchant.payment_intents.cancel(intent))] * 4
    list(pool.map(lambda call: call(), [c for group in zip(at_stripe, here) for c in group] + cancels))
given = sum(r.amount for r in merchant.refunds.list({"payment_intent": intent, "limit": 100}) if r.status == "succeeded")
assert 0 < given <= 1299, given
until(lambda: (row("payments", payment)["refunded"], row("payments", payment)["refundPending"]), (given, 0))
print("refused")
