/** Who a caller is: its registration entries, by what was seen of it. */
import type { Clock } from '@sidegate/sdk';
import type { AttestToken } from './kubernetes-attestor.ts';
import type { RevokedWorkloads } from './ports.ts';
import { Refusal } from './refusal.ts';
import { matching, type RegistrationEntry } from './registration.ts';
import type { AttestedPeer } from './unix-attestor.ts';

export interface IdentitiesDeps {
  readonly entries: () => readonly RegistrationEntry[];
  readonly revoked: RevokedWorkloads;
  readonly clock: Pick<Clock, 'now'>;
  /** Absent: no cluster's tokens are accepted. */
  readonly attestToken?: AttestToken | undefined;
}

/** A call: the peer's process, and the service-account token that it showed, if any. */
export interface Caller {
  readonly peer: AttestedPeer;
  readonly token: string | undefined;
}

/** @throws Refusal `PERMISSION_DENIED` */
export async function selectorsOf(
  { peer, token }: Caller,
  { attestToken }: IdentitiesDeps,
): Promise<ReadonlySet<string>> {
  if (!peer.isAlive()) throw new Refusal('PERMISSION_DENIED', 'the process that connected has ended');
  if (token === undefined) return peer.selectors;
  if (attestToken === undefined) throw new Refusal('PERMISSION_DENIED', 'no service-account token is accepted here');
  try {
    return new Set([...peer.selectors, ...(await attestToken(token))]);
  } catch (error) {
    throw new Refusal('PERMISSION_DENIED', 'the service-account token is refused', { cause: error });
  }
}

/**
 * Those that nobody has taken back.
 *
 * @throws Refusal `PERMISSION_DENIED`, as a rejection
 */
export async function identitiesOf(
  selectors: ReadonlySet<string>,
  { entries, revoked, clock }: IdentitiesDeps,
): Promise<readonly RegistrationEntry[]> {
  const found = matching(entries(), selectors);
  if (found.length === 0) throw new Refusal('PERMISSION_DENIED', 'no identity issued');
  const now = clock.now();
  const taken = await Promise.all(found.map(({ id }) => revoked.isRevoked(id, now)));
  const left = found.filter((_, index) => taken[index] !== true);
  if (left.length === 0) throw new Refusal('PERMISSION_DENIED', 'the workload was revoked');
  return left;
}
