const order = await records.insert('orders', { name: 'mug-' + args.n, total: args.n });
await records.update('orders', { id: order.id }, { total: order.total + 1 });
const [row] = await records.find('orders', { id: order.id });
const answer = await fetch('https://stock.example.com/items/mug');
const { left } = await answer.json();
const told = await runFlow('greet', { name: row.name }, { mode: 'wait' });
return { total: row.total, left, greeting: told.greeting };
