/** Payment service: looks the order up and stores the payment, both in the data zone. */
import { dataZone, userOf } from './data-zone.ts';
import { type Answer, type Call, serveJson } from './json-service.ts';

serveJson('payment-service', {
  'POST /payments': createPayment,
  'GET /payments/orders/:id': (call) => dataZone(call, 'GET', `/orders/${call.params.id}`),
});

async function createPayment(call: Call): Promise<Answer> {
  const { order_id, amount } = call.body;
  if (typeof order_id !== 'string' || !/^[\w-]+$/.test(order_id) || typeof amount !== 'number' || !(amount > 0))
    return { status: 400, body: { error: 'a payment is {"order_id": string, "amount": number above 0}' } };

  const order = await dataZone(call, 'GET', `/orders/${order_id}`);
  if (order.status !== 200) return order;

  return dataZone(call, 'POST', '/payments', { order_id, amount, paid_by: userOf(call) });
}
