// The client is there: `const stripe = require('stripe')(key)` is the line that goes.

const customer = await stripe.customers.create({
  email: args.email,
  description: 'Made by a flow',
  metadata: { source: 'runnel' },
});

const row = await records.upsert('subscribers', { email: customer.email, customer: customer.id }, { on: 'email' });
console.log(`customer ${customer.id} stands in row ${row.id}`);

return { customer: customer.id, row: row.id };
