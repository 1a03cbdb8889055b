const customer = await stripe.customers.create({
  email: 'cleo@example.com',
  payment_method: 'pm_card_visa',
  invoice_settings: { default_payment_method: 'pm_card_visa' },
});
const product = await stripe.products.create({ name: 'Tea of the month' });
const price = await stripe.prices.create({
  product: product.id,
  unit_amount: 1500,
  currency: 'usd',
  recurring: { interval: 'month' },
});

const subscription = await stripe.subscriptions.create({
  customer: customer.id,
  items: [{ price: price.id }],
  payment_behavior: 'default_incomplete',
  expand: ['latest_invoice'],
});

const updated = await stripe.subscriptions.update(subscription.id, {
  metadata: { order_id: '6735' },
});

const canceled = await stripe.subscriptions.cancel(subscription.id);

return {
  created: subscription.status,
  updated: updated.metadata.order_id,
  cancelled: canceled.status,
  price: money(price.unit_amount, price.currency),
};
