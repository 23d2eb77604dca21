/**
 * Upgrades to a WebSocket (RFC 6455): refused unless the route asks for them, and judged like every request. What could be read
 * as something else by the service, or brings bytes before it has agreed, is refused.
 */
import { Problem } from '@sidegate/sdk';
import type { RequestBody } from '../net/request-body.ts';
import type { RequestHead } from '../net/request-head.ts';
import { requestedTunnel } from '../net/tunnel.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { Route } from './route.ts';

const KEY = /^[A-Za-z0-9+/]{22}==$/;
const VERSION = '13';
/** What a timer can hold. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** @throws Problem `upgrade_not_allowed`, `framing_invalid` or `invalid_request` */
export function refuseUpgrade(request: RequestHead, route: Route): void {
  const { method, version, fields } = request;
  // Programs take this one for an upgrade although `Connection` does not say so.
  if (fields.has('upgrade') && fields.tokens('upgrade').some((protocol) => /^h2c?\b/.test(protocol))) {
    throw new Problem('upgrade_not_allowed', 'an upgrade to HTTP/2');
  }
  if (requestedTunnel(request) === undefined) return;
  if (!route.websocket) throw new Problem('upgrade_not_allowed', `route ${route.path} allows no upgrade`);
  const [protocol, another] = fields.tokens('upgrade');
  if (protocol !== 'websocket' || another !== undefined || method !== 'GET' || version !== '1.1') {
    throw new Problem('upgrade_not_allowed', 'an upgrade to something other than a WebSocket');
  }
  if (fields.has('content-length') || fields.has('transfer-encoding')) {
    throw new Problem('framing_invalid', 'an upgrade with a body');
  }
  const key = fields.single('sec-websocket-key');
  if (key === undefined || !KEY.test(key) || fields.single('sec-websocket-version') !== VERSION) {
    throw new Problem(
      'invalid_request',
      `an upgrade without the key of RFC 6455 or for a version other than ${VERSION}`,
    );
  }
}

/** @throws Problem `framing_invalid` */
export function refuseEarlyBytes(tunnel: RequestBody): void {
  if (tunnel.held) throw new Problem('framing_invalid', 'bytes behind an upgrade that nobody has agreed to');
}

/** Runs an upgraded exchange, and breaks it off once who was let in would not be let in any more. */
export async function withinLifetime(exchange: Exchange, now: () => number, run: () => Promise<void>): Promise<void> {
  const { token, peer, cancellation } = exchange;
  const tokenEnds = token === undefined ? Number.POSITIVE_INFINITY : token.acceptedUntil * 1000;
  const peerEnds = peer?.notAfter ?? Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const leftMs = Math.min(tokenEnds, peerEnds) - now();
    if (leftMs > 0) {
      timer = setTimeout(look, Math.min(leftMs, MAX_DELAY_MS)).unref();
      return;
    }
    exchange.problem ??=
      tokenEnds <= peerEnds
        ? new Problem('token_expired', 'the token expired while the WebSocket was open')
        : new Problem('peer_certificate_expired', 'the client certificate expired while the WebSocket was open');
    cancellation.cancel();
  };
  look();
  try {
    await run();
  } finally {
    clearTimeout(timer);
  }
}
