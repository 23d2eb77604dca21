/** Verifying who calls by a token of the platform: one of a {@link JWTHandler}, for a service or for a user. */
import { readCredentials } from '../jwt/bearer.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import type { Authenticator } from '../server/authenticator.ts';
import type { Principal, ProofKind } from '../server/principal.ts';
import { SYSTEM_ROLE } from '../server/roles.ts';
import { KNOWN_SERVICES } from './known-services.ts';
import { type PlatformCaller, readPlatformCaller } from './platform-claims.ts';

export interface PlatformTokensOptions {
  /** Such as a {@link JWTHandler}: the claims of a token whose signature and dates hold, or a rejection with a Problem. */
  readonly tokens: { verify(token: string): Promise<JsonObject> };
  /** Names that a service may have: {@link KNOWN_SERVICES} by default. */
  readonly services?: readonly string[];
}

/**
 * The services of the platform and its users, by their tokens. `serviceOnly()` of an adapter lets in only the former.
 *
 * @example
 * ```ts
 * import { serviceAuth } from '@sidegate/sdk/server';
 * import { JWTHandler, platformTokens, publicPemKeys } from '@sidegate/sdk/service-tokens';
 *
 * const verificationKeys = publicPemKeys({ pem: process.env['TOKEN_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const auth = serviceAuth({
 *   service: 'orders-service',
 *   authenticator: platformTokens({ tokens: new JWTHandler({ verificationKeys }) }),
 *   errors: 'detail',
 *   audit: (record) => console.log(JSON.stringify(record)),
 * });
 * ```
 */
export function platformTokens({ tokens, services = KNOWN_SERVICES }: PlatformTokensOptions): Authenticator {
  return {
    async authenticate(request) {
      const claims = await tokens.verify(readCredentials(request.values('authorization')));
      return principalOf(readPlatformCaller(claims, services), 'bearer', claims);
    },
    close() {},
  };
}

/** @param claims undefined: somebody else verified the token, and said what is in it */
export function principalOf(caller: PlatformCaller, proof: ProofKind, claims: JsonObject | undefined): Principal {
  const shared = { proofs: [proof], scopes: [], claims };
  const roles = caller.role === undefined ? [] : [caller.role];
  if (caller.type === 'access') {
    return Object.freeze({ ...shared, service: undefined, user: { id: caller.userId, roles }, roles });
  }
  const service = { name: caller.service, spiffeId: undefined };
  return Object.freeze({ ...shared, service, user: undefined, roles: [SYSTEM_ROLE, ...roles], limits: caller.limits });
}
