/** Verifying who calls by the token that a service signed for itself. */
import { readCredentials } from '../jwt/bearer.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import type { Authenticator } from '../server/authenticator.ts';
import type { Principal } from '../server/principal.ts';
import { splitTarget } from '../server/request-path.ts';
import type { ServiceTokenClaims } from './claims.ts';
import type { ServiceTokenValidator } from './validate.ts';

export interface ServiceTokenAuthenticatorOptions {
  readonly validator: ServiceTokenValidator;
  /** This service. */
  readonly expectedAudience: string;
  /** The services that may call it. */
  readonly allowedIssuers: readonly string[];
}

/**
 * @example
 * ```ts
 * import { createServiceTokenValidator, publicPemKeys, serviceTokenAuthenticator } from '@sidegate/sdk/service-tokens';
 *
 * const keys = publicPemKeys({ pem: process.env['CHECKOUT_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const authenticator = serviceTokenAuthenticator({
 *   validator: createServiceTokenValidator({ issuers: { 'checkout-service': keys } }),
 *   expectedAudience: 'order-service',
 *   allowedIssuers: ['checkout-service'],
 * });
 * ```
 *
 * @throws RangeError when no audience is expected, or nobody may call
 */
export function serviceTokenAuthenticator(options: ServiceTokenAuthenticatorOptions): Authenticator {
  const { validator, expectedAudience, allowedIssuers } = options;
  if (expectedAudience === '') throw new RangeError('expectedAudience: the name of this service is needed');
  if (allowedIssuers.length === 0) throw new RangeError('allowedIssuers: nobody could call this service');
  return {
    async authenticate(request) {
      const token = readCredentials(request.values('authorization'));
      const operation = {
        method: request.method,
        // Looked at only for a token that is for one operation: there a path with two readings is refused.
        get path() {
          return splitTarget(request).path;
        },
      };
      return principalOf(await validator.validateServiceToken(token, { expectedAudience, allowedIssuers, operation }));
    },
    close: () => validator.close(),
  };
}

function principalOf(claims: ServiceTokenClaims): Principal {
  const { sub, scope, user_id: id, user_roles: roles = [] } = claims;
  return Object.freeze({
    proofs: ['service_jwt'] as const,
    service: { name: sub, spiffeId: undefined },
    user: id === undefined ? undefined : { id, roles },
    scopes: scope,
    roles: ['system'],
    claims: claims as unknown as JsonObject,
  });
}
