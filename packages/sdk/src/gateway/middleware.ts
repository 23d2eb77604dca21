/** The gateway as middleware of Express, Connect or a plain `node:http` server: what comes behind it sees only what the token says. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '../problem.ts';
import { answerOf, type ErrorFormat } from '../server/answer.ts';
import { createNodeRequests } from '../server/node-request.ts';
import type { Gateway } from './gateway.ts';

export type GatewayMiddleware = (
  message: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * Answers what is refused itself. Otherwise the headers of the message, raw ones included, are those to send on.
 *
 * @param errors `problem` (RFC 9457) by default
 * @example
 * ```ts
 * import { createGateway, gatewayMiddleware } from '@sidegate/sdk/gateway';
 * import { JWTHandler, publicPemKeys } from '@sidegate/sdk/service-tokens';
 * import express from 'express';
 *
 * const verificationKeys = publicPemKeys({ pem: process.env['TOKEN_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const app = express();
 * app.use(gatewayMiddleware(createGateway({ tokens: new JWTHandler({ verificationKeys }) })));
 * ```
 */
export function gatewayMiddleware(gateway: Gateway, errors: ErrorFormat = 'problem'): GatewayMiddleware {
  const received = createNodeRequests();
  return async (message, response, next) => {
    try {
      const { headersOf } = await gateway.admit(received(message));
      replaceHeaders(message, headersOf(message.headersDistinct));
    } catch (error) {
      if (!(error instanceof Problem)) {
        next(error);
        return;
      }
      const { status, headers, body } = answerOf(error, errors);
      response.writeHead(status, { ...headers }).end(body);
      return;
    }
    next();
  };
}

/** In each of the three forms in which Node has them, so that nothing that forwards finds the old ones. */
function replaceHeaders(message: IncomingMessage, headers: Readonly<Record<string, string | string[]>>): void {
  const fields = Object.entries(headers).map(([name, value]) => [name, [value].flat()] as const);
  message.rawHeaders = fields.flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  message.headersDistinct = Object.fromEntries(fields.map(([name, values]) => [name, [...values]]));
  const { headers: joined } = message;
  const kept = new Set(fields.map(([name]) => name));
  for (const name of Object.keys(joined)) if (!kept.has(name)) Reflect.deleteProperty(joined, name);
  for (const [name, values] of fields) if (joined[name] === undefined || values.length === 1) joined[name] = values[0];
}
