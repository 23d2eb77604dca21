/** Backend for the web shop: joins what three services know. */
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { fastifyGuards } from '@sidegate/sdk/fastify';
import { auth } from './auth.js';

const guards = fastifyGuards(auth);

const ORDERS = process.env.ORDERS_SERVICE_URL ?? 'http://orders-service';

function bearerOf(request: FastifyRequest): string | undefined {
  return request.headers.authorization;
}

export async function routes(app: FastifyInstance): Promise<void> {
  app.get('/dashboard', { onRequest: guards.requireRoles('customer') }, async (request) => {
    const orders = await fetch(`${ORDERS}/orders?mine=1`, {
      headers: { authorization: request.headers.authorization ?? '' }, // finds: no-user-token-forwarding
    });
    const invoices = await fetch('http://billing-service/invoices', {
      headers: {
        ...request.headers, // finds: no-user-token-forwarding
        accept: 'application/json',
      } as Record<string, string>,
    });
    return { orders: await orders.json(), invoices: await invoices.json() };
  });

  app.route({ // finds: require-route-declaration
    method: 'POST',
    url: '/carts/:id/checkout',
    handler: async (request) => {
      const authorization = bearerOf(request);
      const response = await fetch(`${ORDERS}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization && { authorization }) }, // finds: no-user-token-forwarding
        body: JSON.stringify(request.body),
      });
      return response.json();
    },
  });
}

const app = Fastify({ logger: true });
app.register(routes);
await app.listen({ port: 3000 });
