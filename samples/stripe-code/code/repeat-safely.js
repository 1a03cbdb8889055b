const options = { idempotencyKey: `welcome-${run.id}` };

const first = await stripe.customers.create({ email: 'dora@example.com' }, options);
const again = await stripe.customers.create({ email: 'dora@example.com' }, options);

let conflict = 'none';
try {
  await stripe.customers.create({ email: 'other@example.com' }, options);
} catch (error) {
  if (error instanceof Stripe.errors.StripeIdempotencyError) conflict = error.type;
}

return { same: first.id === again.id, conflict };
