const customer = await stripe.customers.create({ email: 'bea@example.com' });
const created = await stripe.paymentIntents.create({
  amount: 2000,
  currency: 'usd',
  customer: customer.id,
  payment_method: 'pm_card_visa',
  confirm: true,
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
});

const paymentIntent = await stripe.paymentIntents.retrieve(created.id, {
  expand: ['customer', 'latest_charge'],
});

return { status: paymentIntent.status, email: paymentIntent.customer.email };
