/**
 * The signing keys of one service, which follow each other by the clock: published, then signing, then only verifying until the
 * last token that they signed has expired, then gone. Replicas with the same keys agree without speaking.
 */
import { createPublicKey } from 'node:crypto';
import type { AssertionKey } from '../oauth/client-assertion.ts';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';

export interface ServiceKey extends AssertionKey {
  /** Milliseconds since the epoch; from then on it signs, until its successor does. */
  readonly signsFrom: number;
}

export type ServiceKeyState = 'next' | 'current' | 'retiring' | 'retired';

export interface ServiceKeysOptions {
  /** Whose keys they are: the only `iss` that they sign for. */
  readonly service: string;
  readonly keys: readonly ServiceKey[];
  /**
   * The longest life of a token: 900 by default, which is as long as one may be worth stealing. Nothing longer can be issued, and a
   * key verifies that much longer than it signs.
   */
  readonly longestTokenSeconds?: number;
}

export interface ListedServiceKey {
  readonly keyId: string;
  readonly algorithm: AssertionKey['algorithm'];
  readonly signsFrom: number;
  readonly state: ServiceKeyState;
}

/** A public key as an entry of a JWK set, RFC 7517 section 4. */
export type PublicJwk = Readonly<Record<string, string>>;

export interface ServiceKeys {
  readonly service: string;
  readonly longestTokenSeconds: number;
  /** @throws Problem `not_ready`: none signs yet */
  current(): AssertionKey;
  list(): readonly ListedServiceKey[];
  /** What `/.well-known/jwks.json` answers: public halves of all that sign, will sign, and have signed what still lives. */
  jwks(): { readonly keys: readonly PublicJwk[] };
  /**
   * Adds the next key, and drops those that have retired.
   *
   * @throws RangeError when its key id was used before, or it would sign before it could be known
   */
  rotate(next: ServiceKey): void;
}

/** What clocks may differ, and a moment for tokens on their way. */
const GRACE_SECONDS = 60;

/**
 * The keys of a service.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { createServiceKeys, readSigningKey } from '@sidegate/sdk/service-tokens';
 *
 * const pem = readFileSync('/etc/secrets/service-signing-key.pem', 'utf8');
 * const keys = createServiceKeys({
 *   service: 'checkout-service',
 *   keys: [{ ...readSigningKey(pem, 'key-2026-04'), signsFrom: Date.UTC(2026, 3, 1) }],
 * });
 * console.log(JSON.stringify(keys.jwks()));
 * ```
 *
 * @throws RangeError when the service has no name, there is no key, or two have one key id
 */
export function createServiceKeys(
  options: ServiceKeysOptions,
  { clock }: Pick<Runtime, 'clock'> = systemRuntime(),
): ServiceKeys {
  const { service, longestTokenSeconds = 900 } = options;
  if (service === '') throw new RangeError('service: whose keys are they? It becomes the iss of every token');
  if (options.keys.length === 0) throw new RangeError(`keys of ${service}: there is none`);
  if (!(longestTokenSeconds > 0)) throw new RangeError('longestTokenSeconds must be more than 0');
  const keepMs = (longestTokenSeconds + GRACE_SECONDS) * 1000;
  let keys = inOrder(options.keys);
  const living = (): readonly Placed[] => placed(keys, clock, keepMs).filter(({ state }) => state !== 'retired');

  return {
    service,
    longestTokenSeconds,
    current() {
      const current = living().find(({ state }) => state === 'current');
      if (current === undefined) throw new Problem('not_ready', `no key of ${service} signs yet`);
      return current.key;
    },
    list: () =>
      placed(keys, clock, keepMs).map(({ key: { keyId, algorithm, signsFrom }, state }) => ({
        keyId,
        algorithm,
        signsFrom,
        state,
      })),
    jwks: () => ({ keys: living().map(({ key }) => publicJwk(key)) }),
    rotate(next) {
      if (next.signsFrom < clock.now()) throw new RangeError(`key ${next.keyId}: signsFrom lies in the past`);
      keys = inOrder([...living().map(({ key }) => key), next]);
    },
  };
}

interface Placed {
  readonly key: ServiceKey;
  readonly state: ServiceKeyState;
}

/** @param keys by the time from which they sign */
function placed(keys: readonly ServiceKey[], clock: Pick<Clock, 'now'>, keepMs: number): readonly Placed[] {
  const now = clock.now();
  return keys.map((key, index) => {
    const succeededAt = keys[index + 1]?.signsFrom ?? Infinity;
    if (key.signsFrom > now) return { key, state: 'next' };
    if (succeededAt > now) return { key, state: 'current' };
    return { key, state: succeededAt + keepMs > now ? 'retiring' : 'retired' };
  });
}

function inOrder(keys: readonly ServiceKey[]): readonly ServiceKey[] {
  if (new Set(keys.map(({ keyId }) => keyId)).size < keys.length) throw new RangeError('two keys have the same key id');
  return keys.toSorted((one, other) => one.signsFrom - other.signsFrom);
}

function publicJwk({ key, keyId, algorithm }: AssertionKey): PublicJwk {
  const { kty, n, e, crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const members = Object.entries({ kid: keyId, kty, use: 'sig', alg: algorithm, n, e, crv, x, y });
  return Object.fromEntries(members.filter((member): member is [string, string] => member[1] !== undefined));
}
