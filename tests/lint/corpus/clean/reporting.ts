/** Nightly report, Hono in front, two services behind. */
import { serve } from '@hono/node-server';
import { type GuardedEnv, honoGuards } from '@sidegate/sdk/hono';
import type { ServiceAuth } from '@sidegate/sdk/server';
import { serviceClient, type Credentials } from '@sidegate/sdk/client';
import { Hono } from 'hono';
import { logger } from 'hono/logger';

export function reporting(auth: ServiceAuth, credentials: { orders: Credentials; warehouse: Credentials }) {
  const guards = honoGuards(auth);
  const orders = serviceClient({ target: 'http://orders.reporting.internal:8080', credentials: credentials.orders });
  const warehouse = serviceClient({ target: 'http://warehouse.reporting.internal:8080', credentials: credentials.warehouse });
  const cache = new Map<string, { report: unknown; until: number }>();

  const app = new Hono<GuardedEnv>();
  app.use('*', logger());
  app.get('/healthz', guards.publicRoute(), (c) => c.text('ok'));
  app.get('/reports/:day', guards.requireServiceAuth(['reports:read']), async (c) => {
    const day = c.req.param('day');
    const known = cache.get(day);
    if (known && known.until > Date.now()) return c.json(known.report);
    const [sold, stock] = await Promise.all([orders.fetch(`/orders?day=${day}`), warehouse.fetch(`/stock?day=${day}`)]);
    const report = { sold: await sold.json(), stock: await stock.json() };
    cache.set(day, { report, until: Date.now() + 60_000 });
    return c.json(report);
  });
  return app;
}

export const start = (app: Hono) => serve({ fetch: app.fetch, port: 8787 });
