/** A call that is not answered, with the status that the SPIFFE Workload API wants (section 6.2). */
export type RefusalStatus = 'INVALID_ARGUMENT' | 'PERMISSION_DENIED' | 'UNAVAILABLE';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: RefusalStatus;

  /** @param reason for the caller: what is wrong with its call, nothing about others */
  constructor(status: RefusalStatus, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.status = status;
  }
}

/** Anything else that is thrown is ours to mend, and denies. */
export function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal('UNAVAILABLE', 'the authority failed', { cause: error });
}
