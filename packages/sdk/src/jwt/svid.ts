/** JWT-SVIDs as tokens (JWT-SVID sections 2 to 4): a workload's own name, vouched for by the keys of its trust domain. */
import { parseSpiffeId, SpiffeIdError } from '../spiffe/spiffe-id.ts';
import type { AlgorithmName } from './algorithms.ts';
import type { JwksSource } from './jwks-source.ts';

export interface TrustDomain {
  /** As in its SPIFFE IDs, without a scheme. */
  readonly trustDomain: string;
  /** A JWT-SVID must name at least one of them in `aud`. */
  readonly audiences: readonly string[];
  /** Those of its bundle that are for JWT-SVIDs. */
  readonly keys: JwksSource;
}

/** JWT-SVID section 2.1. */
export const SVID_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const satisfies readonly AlgorithmName[];

/** JWT-SVID section 2.2, in lower case; it may be absent. */
export const SVID_TYPES: readonly string[] = ['jwt', 'jose', ''];

/** The trust domain of a subject that is a workload's SPIFFE ID, else undefined. */
export function trustDomainOf(subject: unknown): string | undefined {
  if (typeof subject !== 'string' || !subject.startsWith('spiffe://')) return undefined;
  try {
    const { trustDomain, path } = parseSpiffeId(subject);
    // Without a path it is the trust domain itself, which is nobody.
    return path === '' ? undefined : trustDomain;
  } catch (error) {
    if (error instanceof SpiffeIdError) return undefined;
    throw error;
  }
}
