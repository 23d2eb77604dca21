/** The answer to a gateway that asks before it forwards: 200, with the headers that the service behind it is to get. */
import { fieldLine } from '../net/fields.ts';
import type { InboundRequest } from '../net/listener.ts';
import type { Reply } from '../net/reply.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { type IngressHeaders, ownFields } from './shape-headers.ts';

/** @throws Problem `token_claim_unsafe` */
export function grant(
  exchange: Exchange,
  headers: IngressHeaders,
  { request, reply }: { readonly request: InboundRequest; readonly reply: Reply },
): void {
  if (exchange.cancellation.cancelled) throw exchange.problem;
  const fields = ownFields(exchange, headers);
  exchange.granted = true;
  // Nobody reads what is still to come.
  if (request.body?.whole === false) reply.close();
  const decision = fieldLine('X-Sidegate-Decision', exchange.requestId) + fieldLine('Cache-Control', 'no-store');
  reply.head(200, fields.map(({ line }) => line).join('') + decision, 0);
  reply.end();
}
