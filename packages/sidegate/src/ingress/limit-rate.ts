/**
 * How often one caller may ask. Addresses and peers are counted before a token is looked at, users and tokens once they are
 * known; a request that has none of the kind is counted by its peer, else by its address. No header says who is counted.
 */
import { hash } from 'node:crypto';
import type { Socket } from 'node:net';
import { Problem, type VerifiedToken } from '@sidegate/sdk';
import { countedAddress } from '../net/client-address.ts';
import type { TokenBuckets } from '../net/token-buckets.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { Route } from './route.ts';

export type CountedBy = 'ip' | 'peer' | 'token' | 'user';

export interface RateLimits {
  readonly by: CountedBy;
  /** Over all routes; a route may have another one of its own. */
  readonly general: TokenBuckets | undefined;
}

/** What is known of the caller by now. */
export type Moment = 'connected' | 'authenticated';

const KNOWN_WHEN: Readonly<Record<CountedBy, Moment>> = {
  ip: 'connected',
  peer: 'connected',
  token: 'authenticated',
  user: 'authenticated',
};
/** Longer texts are kept by their digest, so that the table is bounded in bytes too. */
const MAX_KEY_LENGTH = 96;

/** @throws Problem `rate_limited` */
export function limitRate(
  moment: Moment,
  { by, general }: RateLimits,
  exchange: Exchange,
  { route, socket }: { readonly route: Route; readonly socket: Socket },
): void {
  if (KNOWN_WHEN[by] !== moment || (general === undefined && route.rateLimit === undefined)) return;
  const key = bounded(callerKey(by, exchange, socket));
  take(general, key, by);
  take(route.rateLimit, key, by);
}

function take(buckets: TokenBuckets | undefined, key: string, by: CountedBy): void {
  const waitMs = buckets?.take(key) ?? 0;
  if (waitMs === 0) return;
  throw new Problem('rate_limited', `more requests than one caller may send, counted by ${by}`, {
    retryAfterSeconds: waitMs / 1000,
  });
}

/** The peer, else the address. */
export function callerOf(exchange: Exchange, socket: Socket): string {
  return bounded(callerKey('peer', exchange, socket));
}

function callerKey(by: CountedBy, { token, peer, userContext }: Exchange, socket: Socket): string {
  if (token !== undefined && by === 'user') {
    return `user ${token.issuer} ${userContext?.verified === true ? userContext.value : token.subject}`;
  }
  if (token !== undefined && by === 'token') return `token ${tokenKey(token)}`;
  if (peer !== undefined && by !== 'ip') return `peer ${peer.spiffeId ?? peer.subject}`;
  return `ip ${addressOf(socket)}`;
}

/** By what it says and not by its text: an ECDSA signature has a second form that is just as valid. */
function tokenKey(token: VerifiedToken): string {
  const { jti, iat } = token.claims;
  return JSON.stringify([token.issuer, token.clientId, token.subject, iat, token.expiresAt, jti]);
}

const addresses = new WeakMap<Socket, string>();

function addressOf(socket: Socket): string {
  let address = addresses.get(socket);
  if (address === undefined) {
    address = countedAddress(socket.remoteAddress);
    addresses.set(socket, address);
  }
  return address;
}

function bounded(key: string): string {
  return key.length <= MAX_KEY_LENGTH ? key : hash('sha256', key, 'base64url');
}
