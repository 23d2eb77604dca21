/** Data service: inventory, orders and payments in memory. Who may do what was decided before a request gets here. */
import { randomUUID } from 'node:crypto';
import { type Answer, type Call, serveJson } from './json-service.ts';

type Row = Readonly<Record<string, unknown>>;

const inventory = new Map([
  ['PROD-123', { product_id: 'PROD-123', name: 'Blue lamp', available: 100 }],
  ['PROD-456', { product_id: 'PROD-456', name: 'Red lamp', available: 0 }],
]);
const orders = new Map<string, Row>();
const payments = new Map<string, Row>();

serveJson('data-service', {
  'GET /inventory/:id': ({ params }) => found(inventory.get(params.id ?? '')),
  'POST /orders': createOrder,
  'GET /orders/:id': ({ params }) => found(orders.get(params.id ?? '')),
  'POST /payments': (call) => stored(payments, 'pay', call),
});

function createOrder(call: Call): Answer {
  const item = inventory.get(String(call.body.product_id));
  const quantity = Number(call.body.quantity);
  if (item === undefined || !(item.available >= quantity))
    return { status: 409, body: { error: 'not enough in stock' } };
  item.available -= quantity;
  return stored(orders, 'ord', call);
}

function stored(table: Map<string, Row>, prefix: string, call: Call): Answer {
  const row = {
    ...call.body,
    id: `${prefix}-${randomUUID()}`,
    status: 'created',
    for_user: call.headers['x-user-context'] ?? '',
  };
  table.set(row.id, row);
  return { status: 201, body: row };
}

function found(row: Row | undefined): Answer {
  return row === undefined ? { status: 404, body: { error: 'not_found' } } : { status: 200, body: row };
}
