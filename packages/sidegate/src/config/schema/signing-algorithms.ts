/** Names of signature algorithms as a configuration may write them. */
import type { AlgorithmName } from '@sidegate/sdk';

/** Of public keys only: whoever holds a secret that verifies could also sign. */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** Those of tokens: RFC 9864 has a name for the one curve too. */
export const TOKEN_ALGORITHMS = [...SIGNING_ALGORITHMS, 'Ed25519'] as const satisfies readonly AlgorithmName[];

export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];
