// The donations page: fixed amounts through the widgets of app.yaml, any other through the flow `donate`.
const checkout = document.getElementById("checkout");
const gifts = document.querySelectorAll("[data-widget]");
const other = document.getElementById("other");

/** Shows the payment; which one it is stands in the address, for a bank's page that leads back here. */
function pay(attributes) {
  const address = new URL(location);
  address.search = new URLSearchParams(attributes.widget ? { widget: attributes.widget } : { flow: attributes.flow });
  history.replaceState(null, "", address);
  show(attributes).scrollIntoView({ block: "nearest" });
}

function show(attributes) {
  const payment = document.createElement("runnel-payment");
  payment.setAttribute("label", "Give");
  for (const [name, value] of Object.entries(attributes)) payment.setAttribute(name, value);
  for (const gift of gifts) gift.setAttribute("aria-pressed", String(gift.dataset.widget === attributes.widget));
  checkout.hidden = false;
  checkout.replaceChildren(payment);
  return payment;
}

for (const gift of gifts) gift.addEventListener("click", () => pay({ widget: gift.dataset.widget }));

other.addEventListener("submit", (event) => {
  event.preventDefault();
  pay({ flow: "donate", input: JSON.stringify(Object.fromEntries(new FormData(other))) });
});

// A bank's page led back here: the element takes the payment up where it was.
const query = new URLSearchParams(location.search);
if (query.has("payment_intent")) {
  show(query.has("widget") ? { widget: query.get("widget") } : { flow: query.get("flow") ?? "donate" });
}
