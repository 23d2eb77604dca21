/**
 * Verification of JWT access tokens, RFC 8725: parse strictly, find the key within the issuer's own set, verify the
 * signature, check the claims. It fails closed: whatever is not exactly right is a thrown {@link Problem}.
 */

import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import { ALGORITHMS, type Algorithm, type AlgorithmName, verifySignature } from './algorithms.ts';
import { type CheckedClaims, checkClaims } from './claims.ts';
import { decodeSegment, type JoseHeader, readClaims, readHeader, splitCompact } from './compact.ts';
import { findKey } from './find-key.ts';
import type { JwksSource } from './jwks-source.ts';
import type { JsonObject } from './strict-json.ts';

export interface TrustedIssuer {
  /** How logs and policies call it. */
  readonly name: string;
  /** Compared with `iss` exactly. */
  readonly issuer: string;
  /** A token must name at least one of them in `aud`. */
  readonly audiences: readonly string[];
  readonly keys: JwksSource;
  /** What the issuer may sign with; by default every algorithm of the table. */
  readonly algorithms?: readonly AlgorithmName[];
}

export interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[];
  readonly clock: Clock;
  /** Tolerance for `exp`, `nbf` and `iat`: 5 by default, 60 at most. */
  readonly clockSkewSeconds?: number;
  /** The longest `exp` minus `iat`: 3600 by default. */
  readonly maxLifetimeSeconds?: number;
  /** Whether a token with several audiences is refused; false by default. */
  readonly singleAudience?: boolean;
}

/** A token whose signature and registered claims were verified; everything in it is frozen. */
export interface VerifiedToken extends CheckedClaims {
  /** All claims; objects without prototype. */
  readonly claims: JsonObject;
  readonly header: JoseHeader;
  readonly issuer: string;
  readonly issuerName: string;
  /** Seconds since the epoch: `exp` plus the tolerance. */
  readonly acceptedUntil: number;
  /** The `kid` of the key that verified it, else the key's thumbprint. */
  readonly keyId: string;
  /** {@link KeySet.id} of the set that the key came from. */
  readonly keySetId: string;
}

export interface TokenVerifier {
  /**
   * Synchronous while the issuer's keys are loaded and have the token's kid, a promise when they must be fetched.
   *
   * @throws Problem, at once or as a rejection: a `token_*` code, or `jwks_unavailable`
   */
  verify(token: string): VerifiedToken | Promise<VerifiedToken>;
  /** Whether {@link verify} would accept it without looking at its signature. */
  remembers(token: string): boolean;
  /** Whether the issuer's keys are still those that verified this token. */
  isCurrent(token: VerifiedToken): boolean;
  /** Closes the key sources. */
  close(): void;
}

interface ParsedToken {
  readonly header: JoseHeader;
  readonly algorithm: Algorithm;
  readonly claims: JsonObject;
  readonly signingInput: string;
  readonly signature: Buffer;
}

const MAX_CLOCK_SKEW_SECONDS = 60;
/** RFC 9068 section 4, in lower case: media types compare without case. */
const ACCESS_TOKEN_TYPES: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/**
 * A verifier for the tokens of some issuers.
 *
 * @example
 * ```ts
 * const issuer = 'https://idp.example.com/realms/users';
 * const keys = createFetchedJwks({ load: httpJwksLoader(http, `${issuer}/protocol/openid-connect/certs`), clock, schedule, random });
 * const verifier = createTokenVerifier({ issuers: [{ name: 'users', issuer, audiences: ['orders'], keys }], clock });
 * const { subject, scopes } = await verifier.verify('eyJ…');
 * ```
 *
 * @throws RangeError when the options contradict themselves
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, clockSkewSeconds = 5, maxLifetimeSeconds = 3600, singleAudience = false } = options;
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= MAX_CLOCK_SKEW_SECONDS)) {
    throw new RangeError(`clockSkewSeconds must be between 0 and ${MAX_CLOCK_SKEW_SECONDS}`);
  }
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]));
  if (issuers.size < options.issuers.length) throw new RangeError('an issuer is listed twice');

  return {
    verify(token) {
      const parsed = parseToken(token);
      const issuer = findIssuer(parsed.claims['iss']);
      checkAlgorithm(parsed.algorithm, issuer);
      const pending = issuer.keys.refreshFor(parsed.header.kid);
      return pending === undefined ? complete(parsed, issuer) : pending.then(() => complete(parsed, issuer));
    },
    remembers: () => false,
    isCurrent: (token) => issuers.get(token.issuer)?.keys.current()?.id === token.keySetId,
    close() {
      for (const issuer of issuers.values()) issuer.keys.close();
    },
  };

  function parseToken(token: string): ParsedToken {
    const segments = splitCompact(token);
    const header = readHeader(segments.header);
    const algorithm = ALGORITHMS.get(header.alg);
    if (algorithm === undefined) throw algorithmRefusal(header);
    if (header.typ !== undefined && !ACCESS_TOKEN_TYPES.has(header.typ.toLowerCase())) {
      throw new Problem('token_typ_mismatch', `the typ header is ${excerpt(header.typ)}`);
    }
    return {
      header,
      algorithm,
      claims: readClaims(segments.payload),
      signingInput: segments.signingInput,
      signature: decodeSegment(segments.signature, 'signature'),
    };
  }

  /** A MAC key is looked up like any other, but never fetched: no set can hold one. */
  function algorithmRefusal({ alg, kid }: JoseHeader): Problem {
    const known = options.issuers.some(({ keys }) => kid === undefined || keys.current()?.byKid.has(kid));
    if (alg.startsWith('HS') && !known)
      return new Problem('token_key_not_found', `kid ${excerpt(kid ?? '')} for a MAC`);
    return new Problem('token_alg_not_allowed', `alg ${excerpt(alg)}`);
  }

  /** The claim is not verified yet: it only selects whose keys may verify it. */
  function findIssuer(iss: unknown): TrustedIssuer {
    const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
    if (issuer !== undefined) return issuer;
    throw new Problem('token_issuer_mismatch', `iss is ${typeof iss === 'string' ? excerpt(iss) : 'not a string'}`);
  }

  function complete(parsed: ParsedToken, issuer: TrustedIssuer): VerifiedToken {
    const { key, keySetId } = findKey(parsed, issuer.keys, `issuer ${issuer.name}`);
    const input = Buffer.from(parsed.signingInput, 'latin1');
    if (!verifySignature(parsed.algorithm, key.publicKey, input, parsed.signature)) {
      throw new Problem('token_signature_invalid', `key ${excerpt(key.kid ?? key.thumbprint)}`);
    }
    const rules = { audiences: issuer.audiences, singleAudience, clockSkewSeconds, maxLifetimeSeconds };
    const checked = checkClaims(parsed.claims, rules, clock.now() / 1000);
    return Object.freeze({
      ...checked,
      claims: parsed.claims,
      header: parsed.header,
      issuer: issuer.issuer,
      issuerName: issuer.name,
      acceptedUntil: checked.expiresAt + clockSkewSeconds,
      keyId: key.kid ?? key.thumbprint,
      keySetId,
    });
  }
}

function checkAlgorithm(algorithm: Algorithm, { algorithms, name }: TrustedIssuer): void {
  if (algorithms === undefined || algorithms.includes(algorithm.name)) return;
  throw new Problem('token_alg_not_allowed', `alg ${algorithm.name} is not allowed for issuer ${name}`);
}
