/**
 * Transaction tokens (draft-ietf-oauth-transaction-tokens, sections on claims and validation): what one external request may do as it passes
 * from workload to workload of a trust domain. No access token and no proof of who calls: it says on whose behalf, and how far.
 */
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { checkClaims } from './claims.ts';
import { hasControlCharacters } from './control-characters.ts';
import { type JwtKeys, readJwt, verifyJwtWith } from './signed-jwt.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';
import type { TokenVerifier } from './verify.ts';

/** The text of the draft that is understood; another one may change what a token means. */
export const TRANSACTION_TOKEN_DRAFT = 'draft-ietf-oauth-transaction-tokens-10';

export interface TransactionTokenOptions {
  /** The transaction token service of the trust domain. */
  readonly service: JwtKeys;
  /** Compared with `iss` exactly; undefined: the keys alone say who signed, since the draft needs no `iss`. */
  readonly issuer?: string | undefined;
  /** The only audience. */
  readonly trustDomain: string;
  readonly clock: Clock;
  /** 5 by default. */
  readonly clockSkewSeconds?: number;
  /** 300 by default: whoever sees one can show it again. */
  readonly maxLifetimeSeconds?: number;
}

const TYPES: readonly string[] = ['txntoken+jwt', 'application/txntoken+jwt'];
const MAX_NAME_CHARACTERS = 1024;

/** A verifier whose tokens have the requesting workload as their client. */
export function createTransactionTokenVerifier(options: TransactionTokenOptions): TokenVerifier {
  const { service, issuer, trustDomain, clock, clockSkewSeconds = 5, maxLifetimeSeconds = 300 } = options;
  const rules = { audiences: [trustDomain], singleAudience: true, clockSkewSeconds, maxLifetimeSeconds };
  return {
    verify(token) {
      const signed = readJwt(token, TYPES);
      const { claims, header } = signed;
      if (issuer !== undefined && claims['iss'] !== issuer) {
        throw new Problem('token_issuer_mismatch', 'iss is not the transaction token service');
      }
      return verifyJwtWith(signed, service, (used) => {
        const checked = checkClaims(claims, rules, clock.now() / 1000);
        checkTransaction(claims);
        return Object.freeze({
          ...checked,
          clientId: readName(claims, 'req_wl'),
          claims,
          header,
          issuer: issuer ?? trustDomain,
          issuerName: service.owner,
          spiffeId: undefined,
          acceptedUntil: checked.expiresAt + clockSkewSeconds,
          ...used,
        });
      });
    },
    remembers: () => false,
    isCurrent: ({ keySetId }) => service.keys.current()?.id === keySetId,
    close: () => service.keys.close(),
  };
}

function checkTransaction(claims: JsonObject): void {
  readName(claims, 'txn');
  if (typeof claims['iat'] !== 'number') throw new Problem('token_claim_type', 'iat is missing');
  if (typeof claims['scope'] !== 'string') throw new Problem('token_claim_type', 'scope is not a string');
  for (const name of ['tctx', 'rctx']) {
    const value = claims[name];
    if (value === undefined || isJsonObject(value)) continue;
    throw new Problem('token_claim_type', `${name} is not an object`);
  }
  // What it is bound to would have to be shown at each hop, by workloads that cannot.
  if (claims['cnf'] !== undefined) throw new Problem('token_binding_required', 'a transaction token with cnf');
}

function readName(claims: JsonObject, name: 'txn' | 'req_wl'): string {
  const value = claims[name];
  if (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_NAME_CHARACTERS &&
    !hasControlCharacters(value)
  ) {
    return value;
  }
  throw new Problem('token_claim_type', `${name} is not a string of 1 to ${MAX_NAME_CHARACTERS} printable characters`);
}
