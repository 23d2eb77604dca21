/** Authenticator: whose secret is in the header. Each caller has its own, two while one replaces the other. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Secret } from '../secret.ts';
import type { Authenticator } from './authenticator.ts';
import { type CallerGrants, callingService } from './calling-service.ts';

export interface SecretCaller extends CallerGrants {
  /** One, or two during a rotation; each of at least 32 characters. */
  readonly secrets: readonly Secret[];
}

export interface SharedSecretAuthenticatorOptions {
  /** By name; the name is what policies and audit see. */
  readonly callers: Readonly<Record<string, SecretCaller>>;
  /** Default `x-api-key`. */
  readonly header?: string;
}

const MIN_CHARACTERS = 32;
const MAX_CHARACTERS = 512;
const MAX_SECRETS = 2;

/**
 * Compares hashes with those of every caller, whether one has matched or not, so that the time tells nothing.
 *
 * Rejects with Problem `token_missing` (no such header), `duplicate_header`, `shared_secret_invalid`.
 *
 * @throws TypeError when a caller has no secret, or more than two
 * @example
 * ```ts
 * import { sharedSecretAuthenticator } from '@sidegate/sdk/server';
 *
 * const secrets = [{ reveal: () => process.env['ORDERS_KEY'] ?? '' }, { reveal: () => process.env['ORDERS_NEXT_KEY'] ?? '' }];
 * const authenticator = sharedSecretAuthenticator({ callers: { 'order-service': { secrets } } });
 * ```
 */
export function sharedSecretAuthenticator(options: SharedSecretAuthenticatorOptions): Authenticator {
  const name = (options.header ?? 'x-api-key').toLowerCase();
  const callers = Object.entries(options.callers);
  for (const [caller, { secrets }] of callers) {
    if (secrets.length < 1 || secrets.length > MAX_SECRETS) {
      throw new TypeError(`${caller} has ${secrets.length} secrets; give it one, or two during a rotation`);
    }
  }
  return {
    async authenticate(request) {
      const [given, another] = request.values(name);
      if (given === undefined) throw new Problem('token_missing', `no ${name} header`);
      if (another !== undefined) throw new Problem('duplicate_header', `${name} was sent more than once`);
      if (given.length > MAX_CHARACTERS) throw new Problem('shared_secret_invalid', 'the secret is too long');
      const digest = digestOf(given);
      const owners = callers.filter(([, { secrets }]) => secrets.filter((secret) => isSame(digest, secret)).length > 0);
      const [owner, further] = owners;
      if (owner === undefined) throw new Problem('shared_secret_invalid', 'no caller has this secret');
      if (further !== undefined) throw new Problem('shared_secret_invalid', 'two callers have the same secret');
      return callingService('shared_secret', owner[0], owner[1]);
    },
    close: () => {},
  };
}

/** A secret that is absent or short at the moment, such as an unset variable, is nobody's. */
function isSame(digest: Buffer, secret: Secret): boolean {
  const text = secret.reveal();
  const same = timingSafeEqual(digest, digestOf(text));
  return same && text.length >= MIN_CHARACTERS;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
