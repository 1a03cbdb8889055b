async function attempt(call) {
  try {
    await call();
    return null;
  } catch (error) {
    switch (error.type) {
      case 'StripeCardError':
        return { kind: 'card', code: error.code, decline: error.decline_code, status: error.statusCode };
      case 'StripeInvalidRequestError':
        return { kind: 'request', code: error.code ?? null, param: error.param ?? null, status: error.statusCode };
      default:
        throw error;
    }
  }
}

const declined = await attempt(() =>
  stripe.paymentIntents.create({
    amount: 1000,
    currency: 'usd',
    payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds',
    confirm: true,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  })
);
const missing = await attempt(() => stripe.customers.retrieve('cus_nobody'));
const invalid = await attempt(() => stripe.paymentIntents.create({ currency: 'usd' }));

return { declined, missing, invalid };
