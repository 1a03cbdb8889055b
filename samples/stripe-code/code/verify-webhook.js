const endpointSecret = 'an example, not a secret';
const payload = JSON.stringify({ id: 'evt_1', object: 'event', type: 'payment_intent.succeeded' });
const header = stripe.webhooks.generateTestHeaderString({ payload, secret: endpointSecret });

const event = stripe.webhooks.constructEvent(payload, header, endpointSecret);

let refused = 'nothing';
try {
  stripe.webhooks.constructEvent(payload.replace('succeeded', 'forged'), header, endpointSecret);
} catch (err) {
  refused = err.type;
}

return { type: event.type, refused };
