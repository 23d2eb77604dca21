/** What DPoP proofs look like, for who makes them and who checks them. */
import type { AlgorithmName } from '../jwt/algorithms.ts';

export const PROOF_TYPE = 'dpop+jwt';

/** Asymmetric only, RFC 9449 section 4.2; as servers announce them. */
export const PROOF_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'PS256',
] as const satisfies readonly AlgorithmName[];
