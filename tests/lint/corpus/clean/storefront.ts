/** Backend for the web shop. It exchanges the user's token for one that its target may see. */
import Fastify, { type FastifyInstance } from 'fastify';
import { fastifyGuards } from '@sidegate/sdk/fastify';
import type { ServiceClient } from '@sidegate/sdk/client';
import type { ServiceAuth } from '@sidegate/sdk/server';

interface Services {
  readonly orders: ServiceClient;
  readonly billing: ServiceClient;
  /** RFC 8693: the caller's token goes in, one for the target comes out. */
  readonly exchange: { token(form: Record<string, string>): Promise<string> };
  readonly auth: ServiceAuth;
}

export function routes({ orders, billing, exchange, auth }: Services) {
  const guards = fastifyGuards(auth);
  return async function plugin(app: FastifyInstance): Promise<void> {
    app.get('/healthz', { onRequest: guards.publicRoute() }, async () => ({ status: 'ok' }));

    app.get('/dashboard', { onRequest: [guards.requireRoles('customer')] }, async (request) => {
      request.log.info({ authenticated: request.headers.authorization !== undefined }, 'dashboard');
      const [mine, invoices] = await Promise.all([orders.fetch('/orders?mine=1'), billing.fetch('/invoices')]);
      return { orders: await mine.json(), invoices: await invoices.json() };
    });

    app.route({
      method: 'POST',
      url: '/carts/:id/checkout',
      onRequest: guards.requireRoles('customer'),
      handler: async (request) => {
        const form = { subject_token: String(request.headers.authorization).slice(7), audience: 'order-service' };
        const token = await exchange.token(form);
        const response = await fetch('https://order-service.shop.internal/orders', {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(request.body),
        });
        return response.json();
      },
    });
  };
}

const app = Fastify({ logger: true });
app.addHook('onResponse', async (request, reply) => request.log.info(reply.statusCode));
