/**
 * What our own authority says of a certificate that a connection has shown: looked up by digest for each request, so that a renewal, a
 * revocation and every step of a rotation hold with the next one, at each replica. The handshake has proven the key.
 */
import type { FindOwnCertificate, OwnCertificate } from '../issuer/peer-certificate.ts';
import type { Queries } from '../store/database.ts';
import type { RootState } from './authorities.ts';
import { thumbprintOf } from './certificates.ts';

interface Row {
  readonly zone: string;
  readonly state: RootState;
  readonly not_before: number;
  readonly not_after: number;
  readonly revoked_at: number | null;
}

export function findOwnCertificate(queries: Queries, clock: { readonly now: () => number }): FindOwnCertificate {
  return async (der) => {
    const [row] = await queries.query<Row>(
      `SELECT a.zone, r.state, c.not_before, c.not_after, c.revoked_at FROM certificates c
       JOIN authorities a ON a.id = c.authority JOIN authorities r ON r.id = a.root WHERE c.thumbprint = $1`,
      [thumbprintOf(der)],
    );
    return row && { zone: row.zone, fault: faultOf(row, clock.now()) };
  };
}

function faultOf(row: Row, now: number): OwnCertificate['fault'] {
  if (row.revoked_at !== null) return 'was revoked';
  if (!(row.not_before <= now && now < row.not_after)) return 'has expired';
  return row.state === 'retired' ? 'is below a root that was retired' : undefined;
}
