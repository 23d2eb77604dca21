/** Which text of WIMSE is spoken: another one may change what a header means, so it has to be said. */

/** Proofs in the header field `Workload-Proof-Token`, access tokens bound by `ath`; later texts have the proof in `Authorization`. */
export const WIMSE_DRAFT = 'draft-ietf-wimse-wpt-01';

export interface DraftOption {
  /** That the peers speak this text of a draft, which is no standard yet. */
  readonly draft: typeof WIMSE_DRAFT;
}

export const IDENTITY_HEADER = 'workload-identity-token';
export const PROOF_HEADER = 'workload-proof-token';
export const TRANSACTION_HEADER = 'txn-token';

/** @throws RangeError from JavaScript, where the type does not hold */
export function requireDraft({ draft }: DraftOption): void {
  const asked: string = draft;
  if (asked !== WIMSE_DRAFT) throw new RangeError(`draft: this speaks ${WIMSE_DRAFT} and nothing else`);
}
