// The sample's page: lists the plans, and hands the chosen one to <runnel-payment>, which calls the flow `join`.
const form = document.getElementById("plans");
const list = document.getElementById("list");
const place = document.getElementById("payment");

function row(plan, isFirst) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), {
    type: "radio", name: "plan", value: plan.id, required: true, checked: isFirst,
  });
  const price = customElements.get("runnel-payment").money(plan.price, "usd") + " a month";
  const terms = plan.trialDays ? `${plan.trialDays} days free, then ${price}` : price;
  label.append(
    radio,
    Object.assign(document.createElement("strong"), { textContent: plan.name }),
    Object.assign(document.createElement("span"), { className: "soft", textContent: terms }),
  );
  return label;
}

async function show() {
  await customElements.whenDefined("runnel-payment");
  const answer = await fetch("/tables/plans");
  const { items = [] } = answer.ok ? await answer.json() : {};
  list.replaceChildren(...items.map((plan, number) => row(plan, number === 0)));
  if (!items.length) list.textContent = "Nothing is offered yet: an admin adds plans with the flow add-plan.";
}

function pay(input) {
  const payment = document.createElement("runnel-payment");
  payment.setAttribute("flow", "join");
  if (input) payment.setAttribute("input", JSON.stringify(input));
  place.replaceChildren(payment);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = new FormData(form);
  pay({ plan: Number(chosen.get("plan")), email: chosen.get("email") });
});

// The bank's page led back here: the element takes the payment, or the card for after the trial, up where it was.
const back = new URLSearchParams(location.search);
if (back.has("payment_intent") || back.has("setup_intent")) pay();

show();
