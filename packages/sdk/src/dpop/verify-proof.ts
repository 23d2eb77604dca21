/**
 * A DPoP proof, RFC 9449 section 4.3: signed by a key that it brings along, for exactly one request. Whoever has seen the proof
 * of another request, or only the token, cannot make one. Whether it was used before is for a {@link ReplayStore} to say.
 */
import { createHash } from 'node:crypto';
import { ALGORITHMS, verifySignature } from '../jwt/algorithms.ts';
import { decodeSegment, readClaims, readHeaderMembers, splitCompact } from '../jwt/compact.ts';
import { hasControlCharacters } from '../jwt/control-characters.ts';
import { readVerificationKey, type VerificationKey } from '../jwt/jwks.ts';
import { isJsonObject, type JsonObject } from '../jwt/strict-json.ts';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import type { DpopNonces } from './nonces.ts';
import { PROOF_ALGORITHMS, PROOF_TYPE } from './proof-algorithms.ts';

/** The request that came with the proof. */
export interface ProvenRequest {
  readonly method: string;
  /** By which its receiver is known outside: scheme, host and path. One of them must be meant; query and fragment do not count. */
  readonly uris: readonly string[];
  /** The token beside it; absent at a token endpoint, which is yet to give one. */
  readonly accessToken?: string;
}

export interface ProofRules {
  readonly clock: Pick<Clock, 'now'>;
  /** How long after `iat` it may arrive: 60 by default. */
  readonly maxAgeSeconds?: number;
  /** How far ahead `iat` may be: 5 by default. */
  readonly clockSkewSeconds?: number;
  /** Absent: a nonce is neither asked for nor looked at. */
  readonly nonces?: DpopNonces | undefined;
}

export interface VerifiedProof {
  /** RFC 7638 thumbprint of its key: what `cnf.jkt` of the token has to be. */
  readonly thumbprint: string;
  /** For a replay store: unique to this key and its `jti`. */
  readonly id: string;
  /** Milliseconds since the epoch, when it is refused for its age. */
  readonly expiresAtMs: number;
}

const MAX_JTI_CHARACTERS = 256;

/**
 * @param proofs every value of the field `DPoP`: there must be one
 * @throws Problem `dpop_proof_invalid`, `dpop_nonce_required`
 */
export function verifyDpopProof(proofs: readonly string[], request: ProvenRequest, rules: ProofRules): VerifiedProof {
  const [proof, another] = proofs;
  if (proof === undefined) throw invalid('there is no DPoP field');
  if (another !== undefined) throw invalid('DPoP was sent more than once');
  try {
    return verify(proof, request, rules);
  } catch (error) {
    // What is no JWS is no proof either, whatever the reader of tokens calls it.
    if (!(error instanceof Problem) || !error.code.startsWith('token_')) throw error;
    throw new Problem('dpop_proof_invalid', error.message, { cause: error });
  }
}

function verify(proof: string, request: ProvenRequest, rules: ProofRules): VerifiedProof {
  const { header, payload, signature, signingInput } = splitCompact(proof);
  const { typ, alg, jwk } = readHeaderMembers(header);
  if (typ !== PROOF_TYPE) throw invalid(`typ is not ${PROOF_TYPE}`);
  const claims = readClaims(payload);
  // What costs nothing first: a signature is the dearest.
  const id = readId(claims);
  checkRequest(claims, request);
  const expiresAtMs = checkAge(claims, rules);
  checkToken(claims, request.accessToken);
  const key = readKey(jwk);
  const algorithm = typeof alg === 'string' && isAllowed(alg, key) ? ALGORITHMS.get(alg) : undefined;
  if (algorithm === undefined) throw invalid(`alg is not one of ${PROOF_ALGORITHMS.join(', ')}, or not of its key`);
  const signed = Buffer.from(signingInput, 'latin1');
  if (!verifySignature(algorithm, key.publicKey, signed, decodeSegment(signature, 'signature'))) {
    throw invalid('the signature does not verify');
  }
  checkNonce(claims, rules.nonces);
  return { thumbprint: key.thumbprint, id: `dpop:${key.thumbprint}:${id}`, expiresAtMs };
}

function readKey(jwk: unknown): VerificationKey {
  const key = isJsonObject(jwk as JsonObject) ? readVerificationKey(jwk as JsonObject) : 'it is not an object';
  if (typeof key === 'string') throw invalid(`jwk: ${key}`);
  return key;
}

function isAllowed(alg: string, { algorithms }: VerificationKey): boolean {
  return PROOF_ALGORITHMS.some((name) => name === alg && algorithms.includes(name));
}

function readId({ jti }: JsonObject): string {
  if (typeof jti === 'string' && jti !== '' && jti.length <= MAX_JTI_CHARACTERS && !hasControlCharacters(jti)) {
    return jti;
  }
  throw invalid(`jti is not a string of 1 to ${MAX_JTI_CHARACTERS} printable characters`);
}

function checkRequest({ htm, htu }: JsonObject, { method, uris }: ProvenRequest): void {
  if (htm !== method) throw invalid(`htm is not ${excerpt(method)}`);
  const meant = typeof htu === 'string' ? normalUri(htu) : undefined;
  if (meant === undefined) throw invalid('htu is not an http or https URI');
  if (!uris.some((uri) => normalUri(uri) === meant)) throw invalid(`htu is ${excerpt(meant)}, which was not asked for`);
}

/** RFC 3986 sections 6.2.2 and 6.2.3, without query and fragment. */
function normalUri(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  const path = url.pathname.replaceAll(/%[0-9a-f]{2}/gi, (encoded) => encoded.toUpperCase());
  return `${url.origin}${path}`;
}

/** @returns when it will be too old, in milliseconds since the epoch */
function checkAge({ iat }: JsonObject, { clock, maxAgeSeconds = 60, clockSkewSeconds = 5 }: ProofRules): number {
  if (typeof iat !== 'number') throw invalid('iat is not a number');
  const ageSeconds = clock.now() / 1000 - iat;
  if (ageSeconds < -clockSkewSeconds) throw invalid(`iat is ${Math.round(-ageSeconds)} s ahead`);
  if (ageSeconds >= maxAgeSeconds) throw invalid(`iat is ${Math.round(ageSeconds)} s ago, at most ${maxAgeSeconds} s`);
  return (iat + maxAgeSeconds) * 1000;
}

function checkToken({ ath }: JsonObject, accessToken: string | undefined): void {
  if (accessToken === undefined) return;
  if (ath !== accessTokenHash(accessToken)) throw invalid('ath is not the hash of the token beside it');
}

/** Last, so that only who holds a key is told a nonce. */
function checkNonce({ nonce }: JsonObject, nonces: DpopNonces | undefined): void {
  if (nonces === undefined || (typeof nonce === 'string' && nonces.accepts(nonce))) return;
  throw new Problem('dpop_nonce_required', nonce === undefined ? 'the proof has no nonce' : 'its nonce is not ours');
}

/** `ath`, RFC 9449 section 4.2. */
export function accessTokenHash(token: string): string {
  return createHash('sha256').update(token, 'latin1').digest('base64url');
}

function invalid(reason: string): Problem {
  return new Problem('dpop_proof_invalid', reason);
}
