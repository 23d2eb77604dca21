/**
 * Verification of JWT access tokens, RFC 8725: parse strictly, find the key within the issuer's own set, verify the
 * signature, check the claims. It fails closed: whatever is not exactly right is a thrown {@link Problem}.
 */

import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import type { AlgorithmName } from './algorithms.ts';
import { type CheckedClaims, checkClaims } from './claims.ts';
import type { JoseHeader } from './compact.ts';
import type { JwksSource } from './jwks-source.ts';
import { checkType, type JwtKeys, readJwt, verifyJwtWith } from './signed-jwt.ts';
import type { JsonObject } from './strict-json.ts';
import { SVID_ALGORITHMS, SVID_TYPES, type TrustDomain, trustDomainOf } from './svid.ts';

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
  /** Whose workloads may show their JWT-SVIDs as tokens; nobody's by default. */
  readonly trustDomains?: readonly TrustDomain[];
  readonly clock: Clock;
  /** Tolerance for `exp`, `nbf` and `iat`: 5 by default, 60 at most. */
  readonly clockSkewSeconds?: number;
  /** The longest `exp` minus `iat`: 3600 by default. */
  readonly maxLifetimeSeconds?: number;
  /** Whether a token with several audiences is refused; false by default. */
  readonly singleAudience?: boolean;
  /**
   * Whether a token may be for operations of an audience, `orders:GET:/orders/:id`; false by default. Whoever sets this
   * checks {@link CheckedClaims.operations} with `coversOperation`.
   */
  readonly operationAudiences?: boolean;
}

/** A token whose signature and registered claims were verified; everything in it is frozen. */
export interface VerifiedToken extends CheckedClaims {
  /** All claims; objects without prototype. */
  readonly claims: JsonObject;
  readonly header: JoseHeader;
  /** `iss`; of a JWT-SVID `spiffe://` and its trust domain. */
  readonly issuer: string;
  readonly issuerName: string;
  /** Whom a JWT-SVID names, which then is its subject and its client too; undefined: an access token. */
  readonly spiffeId: string | undefined;
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

const MAX_CLOCK_SKEW_SECONDS = 60;
/** RFC 9068 section 4, in lower case: media types compare without case. */
const ACCESS_TOKEN_TYPES: readonly string[] = ['at+jwt', 'application/at+jwt', 'jwt', ''];

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
  const {
    clock,
    clockSkewSeconds = 5,
    maxLifetimeSeconds = 3600,
    singleAudience = false,
    operationAudiences = false,
  } = options;
  if (!(clockSkewSeconds >= 0 && clockSkewSeconds <= MAX_CLOCK_SKEW_SECONDS)) {
    throw new RangeError(`clockSkewSeconds must be between 0 and ${MAX_CLOCK_SKEW_SECONDS}`);
  }
  const authorities = new Map<string, Authority>();
  for (const issuer of options.issuers) authorities.set(issuer.issuer, ofIssuer(issuer));
  for (const domain of options.trustDomains ?? [])
    authorities.set(`spiffe://${domain.trustDomain}`, ofTrustDomain(domain));
  const listed = options.issuers.length + (options.trustDomains?.length ?? 0);
  if (authorities.size < listed) throw new RangeError('an issuer or a trust domain is listed twice');
  const signers = [...authorities.values()].map(({ signer }) => signer);
  const types = [...authorities.values()].flatMap((authority) => authority.types);

  return {
    verify(token) {
      const signed = readJwt(token, types, signers);
      const authority = authorityOf(signed.claims);
      checkType(signed.header, authority.types);
      return verifyJwtWith(signed, authority.signer, (used) => {
        const { audiences } = authority;
        const rules = { audiences, singleAudience, operationAudiences, clockSkewSeconds, maxLifetimeSeconds };
        const checked = checkClaims(signed.claims, rules, clock.now() / 1000);
        return Object.freeze({
          ...checked,
          ...(authority.isTrustDomain ? { clientId: checked.subject } : {}),
          claims: signed.claims,
          header: signed.header,
          issuer: authority.issuer,
          issuerName: authority.name,
          spiffeId: authority.isTrustDomain ? checked.subject : undefined,
          acceptedUntil: checked.expiresAt + clockSkewSeconds,
          ...used,
        });
      });
    },
    remembers: () => false,
    isCurrent: (token) => authorities.get(token.issuer)?.signer.keys.current()?.id === token.keySetId,
    close() {
      for (const { keys } of signers) keys.close();
    },
  };

  /** Its claims are not verified yet: they only select whose keys may verify them. An issuer speaks for itself first. */
  function authorityOf({ iss, sub }: JsonObject): Authority {
    const issuer = typeof iss === 'string' ? authorities.get(iss) : undefined;
    if (issuer !== undefined && !issuer.isTrustDomain) return issuer;
    const domain = trustDomainOf(sub);
    const svid = domain === undefined ? undefined : authorities.get(`spiffe://${domain}`);
    if (svid !== undefined) return svid;
    if (typeof iss !== 'string') throw new Problem('token_issuer_mismatch', 'iss is not a string');
    const shown = excerpt(iss);
    const detail = `Service ${shown.slice(1, -1)} is not authorized`;
    throw new Problem('token_issuer_mismatch', `iss is ${shown}`, { detail });
  }
}

/** Who may vouch for a token, and for which. */
interface Authority {
  readonly issuer: string;
  readonly name: string;
  readonly isTrustDomain: boolean;
  readonly signer: JwtKeys;
  readonly audiences: readonly string[];
  readonly types: readonly string[];
}

function ofIssuer({ issuer, name, audiences, keys, algorithms }: TrustedIssuer): Authority {
  const signer = { keys, owner: `issuer ${name}`, algorithms };
  return { issuer, name, isTrustDomain: false, signer, audiences, types: ACCESS_TOKEN_TYPES };
}

function ofTrustDomain({ trustDomain, audiences, keys }: TrustDomain): Authority {
  const issuer = `spiffe://${trustDomain}`;
  const signer = { keys, owner: `trust domain ${trustDomain}`, algorithms: SVID_ALGORITHMS };
  return { issuer, name: trustDomain, isTrustDomain: true, signer, audiences, types: SVID_TYPES };
}
