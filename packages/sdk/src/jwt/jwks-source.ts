/** Where a verifier gets one issuer's keys from: what every kind of source promises. */
import { type KeyFinding, type KeySet, type KeyUse, parseKeySet } from './jwks.ts';

export interface JwksState {
  /** The set in use; undefined until one was ever usable. */
  readonly keySet: KeySet | undefined;
  /** Why the latest attempt brought no usable set; undefined after a success. */
  readonly failure: string | undefined;
  /** Of the latest set that was read, usable or not. */
  readonly findings: readonly KeyFinding[];
}

export interface JwksSource {
  /** The last good set; asking never fetches. */
  current(): KeySet | undefined;
  /**
   * What to wait for before looking up this kid; undefined when the current set is the best answer for now.
   *
   * @throws Problem `jwks_unavailable`, at once or as a rejection, while no set was ever usable
   */
  refreshFor(kid: string | undefined): Promise<void> | undefined;
  state(): JwksState;
  close(): void;
}

export const NO_KEYS_YET: JwksState = Object.freeze({
  keySet: undefined,
  failure: 'no key set was read yet',
  findings: [],
});

/** The state after a set was read: one without a usable key never replaces a good one. */
export function nextJwksState(state: JwksState, bytes: Uint8Array, use?: KeyUse): JwksState {
  const { keySet, findings } = parseKeySet(bytes, use);
  if (keySet !== undefined) return { keySet, failure: undefined, findings };
  return { keySet: state.keySet, failure: findings.map((finding) => finding.reason).join('; '), findings };
}
