// The sample shop's page: lists products, and hands the order to <runnel-payment>, which calls the flow `buy`.
const form = document.getElementById("order");
const products = document.getElementById("products");
const summary = document.getElementById("summary");
const place = document.getElementById("payment");

const money = (minor, currency) => {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
};

function card(product, isFirst) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), {
    type: "radio", name: "product", value: product.id, required: true, checked: isFirst,
  });
  const title = Object.assign(document.createElement("span"), { className: "title", textContent: product.name });
  const price = Object.assign(document.createElement("span"), {
    className: "price", textContent: money(product.price, "USD"),
  });
  label.append(radio, title, price);
  return label;
}

async function list() {
  const answer = await fetch("/tables/products");
  const { items = [] } = answer.ok ? await answer.json() : {};
  products.replaceChildren(...items.map((product, number) => card(product, number === 0)));
  if (items.length) return;
  products.append(Object.assign(document.createElement("p"), {
    className: "empty", textContent: "Nothing is on sale yet: an admin adds products with the flow add-product.",
  }));
}

function pay(input) {
  const payment = document.createElement("runnel-payment");
  payment.setAttribute("flow", "buy");
  if (input) payment.setAttribute("input", JSON.stringify(input));
  place.replaceChildren(payment);
  return payment;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = new FormData(form);
  const title = form.querySelector("label:has(:checked) .title")?.textContent ?? "";
  const input = {
    product: Number(chosen.get("product")), quantity: Number(chosen.get("quantity")), email: chosen.get("email"),
  };
  summary.textContent = `${input.quantity} × ${title}`;
  pay(input).scrollIntoView({ block: "nearest" });
});

// The bank's page led back here: the element takes the payment up where it was.
if (new URLSearchParams(location.search).has("payment_intent")) {
  summary.textContent = "Welcome back from your bank.";
  pay();
}

list();
