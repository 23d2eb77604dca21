/** Nightly report: reads from two services, writes to a third. */
import { Hono } from 'hono';
import { serve } from '@hono/node-server';
import { honoGuards } from '@sidegate/sdk/hono';
import { auth } from './auth.js';
import { serviceClient } from '@sidegate/sdk/client';
import { Pool } from 'undici';

const base = (name: string): string => `http://${name}.reporting.internal:8080`;

const orders = new Pool(base('orders'), { connections: 4, pipelining: 1 }); // finds: no-anonymous-service-call
const warehouse = serviceClient({ target: base('warehouse') }); // finds: no-anonymous-service-call

async function ordersOf(day: string): Promise<unknown[]> {
  const { body } = await orders.request({ method: 'GET', path: `/orders?day=${day}` });
  return (await body.json()) as unknown[];
}

const app = new Hono();
app.get('/reports/:day', honoGuards(auth).requireServiceAuth(['reports:read']), async (c) => {
  const day = c.req.param('day');
  const [sold, stock] = await Promise.all([ordersOf(day), warehouse.fetch(`/stock?day=${day}`)]);
  return c.json({ sold, stock: await stock.json() });
});
app.post('/reports/:day/publish', async (c) => { // finds: require-route-declaration
  const authorization = c.req.header('Authorization');
  const res = await fetch(`${base('publisher')}/reports`, {
    method: 'POST',
    headers: new Headers([['Authorization', authorization ?? '']]), // finds: no-user-token-forwarding
    body: JSON.stringify({ day: c.req.param('day') }),
  });
  return c.body(null, res.ok ? 204 : 502);
});

serve({ fetch: app.fetch, port: 8787 });
