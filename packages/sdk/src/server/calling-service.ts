/** The principal of a proof that names a service and nothing else. */
import type { Principal, ProofKind } from './principal.ts';

/** What is known of a caller beside its proof. */
export interface CallerGrants {
  /** What it may do, for routes that ask for scopes; none by default. */
  readonly scopes?: readonly string[];
}

export function callingService(proof: ProofKind, name: string, { scopes = [] }: CallerGrants): Principal {
  return {
    proofs: [proof],
    service: { name, spiffeId: undefined },
    user: undefined,
    scopes,
    roles: ['system'],
    claims: undefined,
  };
}
