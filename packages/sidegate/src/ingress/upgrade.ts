/**
 * Upgrades to a WebSocket (RFC 6455): refused unless the route asks for them, and judged like every request. What could be read
 * as something else by the service, or brings bytes before it has agreed, is refused.
 */
import { asProblem, Problem, type RevocationCheck } from '@sidegate/sdk';
import type { RequestBody } from '../net/request-body.ts';
import type { RequestHead } from '../net/request-head.ts';
import { requestedTunnel } from '../net/tunnel.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { refuseRevoked } from './refuse-revoked.ts';
import type { Route } from './route.ts';

const KEY = /^[A-Za-z0-9+/]{22}==$/;
const VERSION = '13';

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

/** How late what would not be let in any more may still be inside. */
const JUDGED_EVERY_MS = 5_000;

export interface UpgradeWatch {
  readonly now: () => number;
  /** Judges the request as if it came now. @throws Problem, at once or as a rejection */
  readonly judgeAgain: () => unknown;
  readonly revocations: RevocationCheck | undefined;
}

/**
 * Runs an upgraded exchange, and breaks it off once who was let in would not be let in any more: at the very end of the token and of the
 * certificate, at once when one of them is revoked, within seconds when a key, a policy or an identity went.
 */
export async function whileAllowed(exchange: Exchange, watch: UpgradeWatch, run: () => Promise<void>): Promise<void> {
  const { token, peer, cancellation } = exchange;
  // It may have been revoked while the policy was asked.
  refuseRevoked(exchange, watch.revocations);
  const tokenEnds = token === undefined ? Number.POSITIVE_INFINITY : token.acceptedUntil * 1000;
  const peerEnds = peer?.notAfter ?? Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const wait = (): void => {
    const leftMs = Math.min(tokenEnds, peerEnds) - watch.now();
    timer = setTimeout(() => void look(), Math.max(0, Math.min(leftMs, JUDGED_EVERY_MS))).unref();
  };
  const breakOff = (error: unknown): void => {
    exchange.problem ??= asProblem(error);
    cancellation.cancel();
  };
  const endWatch = watch.revocations?.onRevoked(() => {
    try {
      refuseRevoked(exchange, watch.revocations);
    } catch (error) {
      breakOff(error);
    }
  });
  const look = async (): Promise<void> => {
    try {
      if (watch.now() >= tokenEnds)
        throw new Problem('token_expired', 'the token expired while the WebSocket was open');
      if (watch.now() >= peerEnds) {
        throw new Problem('peer_certificate_expired', 'the client certificate expired while the WebSocket was open');
      }
      await watch.judgeAgain();
      if (!over) wait();
    } catch (error) {
      if (!over) breakOff(error);
    }
  };
  wait();
  try {
    await run();
  } finally {
    over = true;
    endWatch?.();
    clearTimeout(timer);
  }
}
