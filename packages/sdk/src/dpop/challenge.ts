/** What a receiver asks for with a 401: RFC 6750 section 3, and RFC 9449 sections 7.1 and 9 where proofs are taken beside bearer tokens. */
import { PROOF_ALGORITHMS } from './proof-algorithms.ts';
import { PROOF_SCHEME } from './proof-scheme.ts';

export interface ProofChallenge {
  /** For the next proof; undefined: none is needed. */
  readonly nonce: (() => string) | undefined;
}

const ANNOUNCED = `algs="${PROOF_ALGORITHMS.join(' ')}"`;

/**
 * `WWW-Authenticate`: one field, so that no gateway keeps only the last.
 *
 * @param error of the problem; empty: there is none to name
 * @param proofs undefined: no proofs are taken
 */
export function authenticateChallenge(error: string, proofs: ProofChallenge | undefined): string {
  const named = error === '' ? [] : [`error="${error}"`];
  const ofProof = error.includes('dpop');
  const schemes = ofProof ? [] : [['Bearer', ...named]];
  if (ofProof || proofs !== undefined) schemes.push([PROOF_SCHEME, [...named, ANNOUNCED].join(', ')]);
  return schemes.map((parts) => parts.join(' ')).join(', ');
}

/** Whether a challenge asks for a proof with the nonce of its answer, section 9. */
export function asksForNonce(challenge: string | null | undefined): boolean {
  return /\berror="?use_dpop_nonce\b/.test(challenge ?? '');
}
