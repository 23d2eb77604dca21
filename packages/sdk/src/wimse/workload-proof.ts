/** Workload Proof Tokens, draft-ietf-wimse-wpt: for one request, signed with the key that the Workload Identity Token beside it names. */
import { createHash, randomUUID } from 'node:crypto';
import { verifySignature } from '../jwt/algorithms.ts';
import { checkDates } from '../jwt/claims.ts';
import { type JwtSigner, signJwt } from '../jwt/sign-jwt.ts';
import { readJwt } from '../jwt/signed-jwt.ts';
import { isJsonObject, type JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import type { WorkloadIdentity } from './workload-identity.ts';

/** What the proof is for. */
export interface ProvenContext {
  /** Without query and fragment. */
  readonly targetUri: string;
  readonly identityToken: string;
  /** Undefined: the request has none. */
  readonly accessToken: string | undefined;
  readonly transactionToken: string | undefined;
}

export interface ExpectedProof extends Omit<ProvenContext, 'targetUri'> {
  /** Each is a name of what was asked for. */
  readonly targetUris: readonly string[];
  readonly identity: WorkloadIdentity;
  /** The only value of a field; undefined: it is not there once. */
  readonly field: (name: string) => string | undefined;
  readonly nowSeconds: number;
}

export interface VerifiedWorkloadProof {
  /** For a replay store. */
  readonly id: string;
  readonly expiresAtMs: number;
}

const TYPES: readonly string[] = ['wpt+jwt', 'application/wpt+jwt'];
const LIFETIME_SECONDS = 60;
const DATES = { clockSkewSeconds: 5, maxLifetimeSeconds: 2 * LIFETIME_SECONDS };
const MAX_JTI_CHARACTERS = 256;
const MAX_OTHER_TOKENS = 8;

export function signWorkloadProof(context: ProvenContext, key: JwtSigner, nowSeconds: number): string {
  const { targetUri, identityToken, accessToken, transactionToken } = context;
  const claims = {
    aud: targetUri,
    exp: Math.floor(nowSeconds) + LIFETIME_SECONDS,
    jti: randomUUID(),
    wth: hashOf(identityToken),
    ...(accessToken === undefined ? {} : { ath: hashOf(accessToken) }),
    ...(transactionToken === undefined ? {} : { tth: hashOf(transactionToken) }),
  };
  return signJwt('wpt+jwt', claims, { ...key, keyId: undefined });
}

/** @throws Problem `token_*` */
export function verifyWorkloadProof(proof: string, expected: ExpectedProof): VerifiedWorkloadProof {
  const { identity, targetUris, nowSeconds } = expected;
  const { algorithm, claims, signingInput, signature } = readJwt(proof, TYPES);
  if (algorithm !== identity.algorithm) {
    throw new Problem(
      'token_alg_not_allowed',
      `the proof is signed ${algorithm.name}, the identity is for ${identity.algorithm.name}`,
    );
  }
  if (!verifySignature(algorithm, identity.publicKey, Buffer.from(signingInput, 'latin1'), signature)) {
    throw new Problem('token_signature_invalid', 'the proof is not signed with the key of the identity');
  }
  const { aud, jti, wth } = claims;
  if (typeof aud !== 'string' || !targetUris.includes(aud)) {
    throw new Problem('token_aud_mismatch', 'the proof is for another request');
  }
  const expiresAt = checkDates(claims, DATES, nowSeconds);
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_CHARACTERS) {
    throw new Problem('token_claim_type', 'jti is not a short text');
  }
  if (wth !== hashOf(expected.identityToken)) throw mismatch('wth', 'Workload-Identity-Token');
  checkBeside('ath', claims, expected.accessToken);
  checkBeside('tth', claims, expected.transactionToken);
  checkOthers(claims['oth'], expected.field);
  return { id: `wpt ${identity.thumbprint} ${jti}`, expiresAtMs: (expiresAt + DATES.clockSkewSeconds) * 1000 };
}

/** There and bound, or neither. */
function checkBeside(name: 'ath' | 'tth', claims: JsonObject, token: string | undefined): void {
  if (claims[name] !== (token === undefined ? undefined : hashOf(token))) {
    throw mismatch(name, name === 'ath' ? 'access token' : 'Txn-Token');
  }
}

/** Whoever names a token in it relies on its being there. */
function checkOthers(others: JsonObject[string] | undefined, field: ExpectedProof['field']): void {
  if (others === undefined) return;
  if (!isJsonObject(others)) throw new Problem('token_claim_type', 'oth is not an object');
  const entries = Object.entries(others);
  if (entries.length > MAX_OTHER_TOKENS)
    throw new Problem('token_claim_type', `oth has more than ${MAX_OTHER_TOKENS} members`);
  for (const [name, hash] of entries) {
    const value = name === name.toLowerCase() ? field(name) : undefined;
    if (value === undefined || hash !== hashOf(value.trim())) throw mismatch('oth', 'header field');
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('base64url');
}

function mismatch(claim: string, what: string): Problem {
  return new Problem('token_binding_mismatch', `${claim} is not the hash of the ${what} beside it`);
}
