/** Requests after which the connection would carry bytes that nobody looks at: RFC 9110 sections 7.8 and 9.3.6. */
import type { RequestHead } from './request-head.ts';

export type Tunnel = 'connect' | 'upgrade';

/** Undefined for every other request, also for an `Upgrade` that `Connection` does not name. */
export function requestedTunnel({ method, fields }: RequestHead): Tunnel | undefined {
  if (method === 'CONNECT') return 'connect';
  return fields.has('upgrade') && fields.tokens('connection').includes('upgrade') ? 'upgrade' : undefined;
}
