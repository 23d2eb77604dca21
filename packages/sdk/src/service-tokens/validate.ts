/** Verifying service tokens: whose keys, for whom, how far. Each refusal is a Problem, whose words for the caller are those of `serviceAuthError`. */
import type { AlgorithmName } from '../jwt/algorithms.ts';
import { verifySignature } from '../jwt/algorithms.ts';
import { checkClaims } from '../jwt/claims.ts';
import type { VerificationKey } from '../jwt/jwks.ts';
import type { JwksSource } from '../jwt/jwks-source.ts';
import { coversOperation } from '../jwt/operation-audience.ts';
import { requireScopes } from '../jwt/scope.ts';
import { readJwt, type UnverifiedJwt } from '../jwt/signed-jwt.ts';
import { isJsonArray, type JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { excerpt } from '../x509/excerpt.ts';
import { EVERY_SCOPE, type ServiceTokenClaims } from './claims.ts';

export interface ValidationOptions {
  /** Who receives it, and only that. */
  readonly expectedAudience: string;
  /** The services that may call. */
  readonly allowedIssuers: readonly string[];
  readonly requiredScopes?: readonly string[] | undefined;
  /** What is asked for, so that a token for one operation is good for it; without it such a token is for another audience. */
  readonly operation?: { readonly method: string; readonly path: string } | undefined;
}

export interface ServiceTokenValidatorOptions {
  /** Service → its keys and nobody else's: no service can sign as another one. */
  readonly issuers: Readonly<Record<string, JwksSource>>;
  /** RS256, ES256 and EdDSA by default. */
  readonly algorithms?: readonly AlgorithmName[];
  /** 900 by default: a token that lives longer is refused. */
  readonly longestTokenSeconds?: number;
  /** Each token is then good for one use: for what must not happen twice. */
  readonly replays?: ReplayStore;
}

export interface ServiceTokenValidator {
  /** Rejects with a Problem `token_*`, `peer_not_allowed`, `insufficient_scope`, `jwks_unavailable` or `replay_store_*`; with a RangeError when no audience is expected. */
  readonly validateServiceToken: (token: string, options: ValidationOptions) => Promise<ServiceTokenClaims>;
  /** Closes the key sources. */
  close(): void;
}

const TYPES: readonly string[] = ['at+jwt', 'application/at+jwt', 'jwt', ''];
const ALGORITHMS: readonly AlgorithmName[] = ['RS256', 'ES256', 'EdDSA'];
const CLOCK_SKEW_SECONDS = 5;
/** Without a `kid` each costs a verification. */
const MAX_TRIED_KEYS = 8;

/**
 * A validator for the tokens of some services.
 *
 * @example
 * ```ts
 * import { createServiceTokenValidator } from '@sidegate/sdk/service-tokens';
 *
 * const load = httpJwksLoader(http, 'https://checkout.internal.example/.well-known/jwks.json');
 * const { validateServiceToken } = createServiceTokenValidator({
 *   issuers: { 'checkout-service': createFetchedJwks({ load, clock, schedule, random }) },
 * });
 * const claims = await validateServiceToken('eyJ…', {
 *   expectedAudience: 'order-service',
 *   allowedIssuers: ['checkout-service'],
 *   requiredScopes: ['orders:create'],
 * });
 * console.log(claims.sub, claims.scope, claims.user_id);
 * ```
 */
export function createServiceTokenValidator(
  options: ServiceTokenValidatorOptions,
  { clock }: Pick<Runtime, 'clock'> = systemRuntime(),
): ServiceTokenValidator {
  const { algorithms = ALGORITHMS, longestTokenSeconds = 900, replays } = options;
  const issuers = new Map(Object.entries(options.issuers));

  return {
    async validateServiceToken(token, expected) {
      checkExpected(expected);
      const jwt = readJwt(token, TYPES);
      const { iss } = jwt.claims;
      const keys = typeof iss === 'string' ? issuers.get(iss) : undefined;
      if (typeof iss !== 'string' || keys === undefined) throw unauthorized('token_issuer_mismatch', iss);
      if (!algorithms.includes(jwt.algorithm.name)) {
        throw new Problem('token_alg_not_allowed', `alg ${jwt.algorithm.name} is not allowed for service ${iss}`);
      }
      await keys.refreshFor(jwt.header.kid);
      verifyWithKeysOf(jwt, keys, iss);
      const { claims, acceptedUntil } = readClaims(jwt.claims, iss, expected);
      if (!expected.allowedIssuers.includes(iss)) throw unauthorized('peer_not_allowed', iss);
      requireScopes(claims.scope, expected.requiredScopes ?? []);
      await useOnce(claims, acceptedUntil);
      return claims;
    },
    close() {
      for (const keys of issuers.values()) keys.close();
    },
  };

  function readClaims(verified: JsonObject, iss: string, { expectedAudience, operation }: ValidationOptions) {
    const checked = checkClaims(
      verified,
      {
        audiences: [expectedAudience],
        singleAudience: false,
        operationAudiences: true,
        clockSkewSeconds: CLOCK_SKEW_SECONDS,
        maxLifetimeSeconds: longestTokenSeconds,
      },
      clock.now() / 1000,
    );
    const { operations, scopes, subject } = checked;
    if (
      operations !== undefined &&
      !(operation !== undefined && coversOperation(operations, operation.method, operation.path))
    ) {
      throw new Problem('token_aud_mismatch', 'aud names another operation than this one');
    }
    if (subject !== iss) throw new Problem('token_sub_invalid', `sub ${excerpt(subject)} is not iss`);
    if (scopes.includes(EVERY_SCOPE)) throw new Problem('token_claim_type', 'scope * would grant everything');
    return { claims: typedClaims(verified, iss, scopes), acceptedUntil: checked.expiresAt + CLOCK_SKEW_SECONDS };
  }

  async function useOnce({ iss, jti }: ServiceTokenClaims, acceptedUntil: number): Promise<void> {
    if (replays === undefined || (await replays.firstUse(`service-token ${iss} ${jti}`, acceptedUntil * 1000))) return;
    throw new Problem('token_replayed', `jti ${excerpt(jti)} of service ${iss} was used before`);
  }
}

/** A service that expects no audience would take everybody's tokens. */
function checkExpected({ expectedAudience }: ValidationOptions): void {
  if (typeof expectedAudience !== 'string' || expectedAudience === '') {
    throw new RangeError('expectedAudience: the name of this service is needed');
  }
}

function verifyWithKeysOf(jwt: UnverifiedJwt, source: JwksSource, iss: string): void {
  const { kid } = jwt.header;
  const keySet = source.current();
  if (keySet === undefined) throw new Problem('jwks_unavailable', `no keys of service ${iss}`);
  if (kid !== undefined) {
    const key = keySet.byKid.get(kid);
    if (key === undefined) {
      throw new Problem('token_key_not_found', `service ${iss} has no key ${excerpt(kid)}`, {
        detail: `Key ${kid} not found`,
      });
    }
    if (!key.algorithms.includes(jwt.algorithm.name)) {
      throw new Problem('token_key_alg_mismatch', `key ${excerpt(kid)} is not for ${jwt.algorithm.name}`);
    }
    if (isSignedBy(jwt, key)) return;
    throw new Problem('token_signature_invalid', `key ${excerpt(kid)} of service ${iss}`);
  }
  const fitting = keySet.keys.filter(({ algorithms }) => algorithms.includes(jwt.algorithm.name));
  if (fitting.slice(0, MAX_TRIED_KEYS).some((key) => isSignedBy(jwt, key))) return;
  throw new Problem('token_signature_invalid', `none of ${fitting.length} keys of service ${iss}, no kid`, {
    detail: 'No active key could verify this token',
  });
}

function isSignedBy({ algorithm, signingInput, signature }: UnverifiedJwt, { publicKey }: VerificationKey): boolean {
  return verifySignature(algorithm, publicKey, Buffer.from(signingInput, 'latin1'), signature);
}

function typedClaims(claims: JsonObject, iss: string, scope: readonly string[]): ServiceTokenClaims {
  const { aud, iat, exp, jti, user_id: userId, user_roles: userRoles } = claims;
  if (typeof iat !== 'number') throw new Problem('token_claim_missing', 'no iat claim');
  if (typeof jti !== 'string' || jti === '') throw new Problem('token_claim_missing', 'no jti claim, or not a string');
  return Object.freeze({
    iss,
    sub: iss,
    // Both were checked before.
    aud: aud as string | readonly string[],
    exp: exp as number,
    iat,
    jti,
    scope,
    ...(userId === undefined ? {} : { user_id: readUserId(userId), user_roles: readUserRoles(userRoles) }),
  });
}

function readUserId(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Problem('token_claim_type', 'user_id is not a string');
}

function readUserRoles(value: JsonObject[string] | undefined): readonly string[] {
  if (value === undefined) return [];
  if (isJsonArray(value) && value.every((role) => typeof role === 'string')) return value;
  throw new Problem('token_claim_type', 'user_roles is not an array of strings');
}

function unauthorized(code: 'token_issuer_mismatch' | 'peer_not_allowed', iss: unknown): Problem {
  if (typeof iss !== 'string') return new Problem(code, 'iss is not a string');
  const shown = excerpt(iss);
  return new Problem(code, `service ${shown} may not call`, {
    detail: `Service ${shown.slice(1, -1)} is not authorized`,
  });
}
