/** Order service: checks the stock and stores the order, both in the data zone. */
import { dataZone, userOf } from './data-zone.ts';
import { type Answer, type Call, serveJson } from './json-service.ts';

serveJson('order-service', {
  'POST /orders': createOrder,
  'GET /orders/:id': (call) => dataZone(call, 'GET', `/orders/${call.params.id}`),
});

async function createOrder(call: Call): Promise<Answer> {
  const { product_id, quantity } = call.body;
  if (
    typeof product_id !== 'string' ||
    !/^[\w-]+$/.test(product_id) ||
    !Number.isInteger(quantity) ||
    Number(quantity) < 1
  )
    return { status: 400, body: { error: 'an order is {"product_id": string, "quantity": integer from 1}' } };

  const stock = await dataZone(call, 'GET', `/inventory/${product_id}`);
  if (stock.status !== 200) return stock;
  if ((stock.body as { available: number }).available < Number(quantity))
    return { status: 409, body: { error: 'not enough in stock' } };

  return dataZone(call, 'POST', '/orders', { product_id, quantity, ordered_by: userOf(call) });
}
