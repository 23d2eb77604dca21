/** With what a {@link JWTHandler} signs and verifies: a key pair and those before and after it, or the legacy secret. */
import { createPublicKey } from 'node:crypto';
import { checkClaims, checkDates, type DateRules } from '../jwt/claims.ts';
import type { JwksSource } from '../jwt/jwks-source.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { signJwt } from '../jwt/sign-jwt.ts';
import { readJwt, verifyJwt } from '../jwt/signed-jwt.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import type { AssertionKey } from '../oauth/client-assertion.ts';
import { Problem } from '../problem.ts';
import { readSharedSecret, verifyShared } from './shared-secret.ts';

export interface KeySettings {
  /** Absent: tokens are only verified here. */
  readonly signingKey?: AssertionKey;
  /** Whose tokens are accepted, during a rotation those of two keys; by default only what the signing key signed. */
  readonly verificationKeys?: JwksSource;
  /** `iss`: `service-tokens` by default. */
  readonly issuer?: string;
  /** `aud`, all of them together: `internal-services` by default. */
  readonly audience?: string;
}

export interface SharedSecretSettings {
  /** That it has to be said is the point. */
  readonly legacySharedSecret: true;
  /** `JWT_SECRET_KEY`. */
  readonly secretKey: string;
  /** Accepted as well, while the secret is exchanged. */
  readonly previousSecretKey?: string | undefined;
}

export interface HandlerKeys {
  readonly isLegacy: boolean;
  fingerprints(): readonly string[];
  sign(claims: object): string;
  verify(token: string): JsonObject | Promise<JsonObject>;
}

const TYPES: readonly string[] = ['at+jwt', 'application/at+jwt', 'jwt', ''];
const DATES: DateRules = { clockSkewSeconds: 5, maxLifetimeSeconds: 366 * 86_400 };

/** @throws RangeError */
export function keysOf(settings: KeySettings | SharedSecretSettings, nowSeconds: () => number): HandlerKeys {
  return 'legacySharedSecret' in settings ? sharedKeys(settings, nowSeconds) : keyPair(settings, nowSeconds);
}

function sharedKeys({ secretKey, previousSecretKey }: SharedSecretSettings, nowSeconds: () => number): HandlerKeys {
  const current = readSharedSecret('JWT_SECRET_KEY', secretKey);
  const previous =
    previousSecretKey === undefined ? [] : [readSharedSecret('JWT_SECRET_KEY_PREVIOUS', previousSecretKey)];
  const secrets = [current, ...previous];
  return {
    isLegacy: true,
    fingerprints: () => secrets.map(({ fingerprint }) => fingerprint),
    sign: (claims) => current.sign(claims),
    verify(token) {
      const claims = verifyShared(token, secrets);
      checkDates(claims, DATES, nowSeconds());
      return claims;
    },
  };
}

function keyPair(settings: KeySettings, nowSeconds: () => number): HandlerKeys {
  const { signingKey, issuer = 'service-tokens', audience = 'internal-services' } = settings;
  if (signingKey === undefined && settings.verificationKeys === undefined) {
    throw new RangeError('there is neither a signingKey nor verificationKeys');
  }
  const keys = settings.verificationKeys ?? ownPublicKey(signingKey as AssertionKey);
  const rules = { ...DATES, audiences: [audience], singleAudience: false };
  return {
    isLegacy: false,
    fingerprints() {
      const others = keys.current()?.keys.map(({ kid, thumbprint }) => kid ?? thumbprint) ?? [];
      return [...new Set([...(signingKey === undefined ? [] : [signingKey.keyId]), ...others])];
    },
    sign(claims) {
      if (signingKey === undefined) throw new RangeError('there is no signingKey: tokens are only verified here');
      const { sub } = claims as { readonly sub: string };
      return signJwt('at+jwt', { iss: issuer, aud: audience, client_id: sub, ...claims }, signingKey);
    },
    async verify(token) {
      const jwt = readJwt(token, TYPES);
      if (jwt.claims['iss'] !== issuer) throw new Problem('token_issuer_mismatch', `iss is not ${issuer}`);
      await verifyJwt(jwt, { keys, owner: `issuer ${issuer}` });
      checkClaims(jwt.claims, rules, nowSeconds());
      return jwt.claims;
    },
  };
}

function ownPublicKey({ key, keyId }: AssertionKey): JwksSource {
  const jwk = { ...createPublicKey(key).export({ format: 'jwk' }), kid: keyId };
  return createPushedJwks(Buffer.from(JSON.stringify({ keys: [jwk] })));
}
