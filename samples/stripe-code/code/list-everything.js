for (let i = 0; i < 5; i++) {
  await stripe.customers.create({ name: `Customer ${i}` });
}

// By hand, page by page
let manual = 0;
let page = await stripe.customers.list({ limit: 2 });
while (true) {
  manual += page.data.length;
  if (!page.has_more) break;
  page = await stripe.customers.list({ limit: 2, starting_after: page.data[page.data.length - 1].id });
}

// With for await
let automatic = 0;
for await (const customer of stripe.customers.list({ limit: 2 })) {
  if (customer.id.startsWith('cus_')) automatic++;
}

// As an array
const collected = await stripe.customers.list({ limit: 2 }).autoPagingToArray({ limit: 1000 });

return { manual, automatic, collected: collected.length };
