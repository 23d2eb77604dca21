/** Every certificate that was issued: what revocation, renewal and inventory go by. The certificates themselves are not kept. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { Queries } from '../store/database.ts';
import type { Identity } from './identity.ts';

export interface IssuedCertificate {
  /** SHA-256, base64url. */
  readonly thumbprint: string;
  /** Hexadecimal, lower case. */
  readonly serialNumber: string;
  /** Who signed it. */
  readonly authority: string;
  /** Who renews it; undefined: nobody may. */
  readonly holder: string | undefined;
  readonly spiffeId: string;
  readonly identity: Identity;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly revokedAt: number | undefined;
}

interface CertificateRow {
  readonly thumbprint: string;
  readonly serial_number: string;
  readonly authority: string;
  readonly holder: string | null;
  readonly spiffe_id: string;
  readonly identity: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly revoked_at: number | null;
}

export function describeCertificate(
  certificate: X509Certificate,
  facts: Pick<IssuedCertificate, 'authority' | 'holder' | 'spiffeId' | 'identity'>,
): IssuedCertificate {
  return {
    ...facts,
    thumbprint: thumbprintOf(certificate.raw),
    serialNumber: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    revokedAt: undefined,
  };
}

export const thumbprintOf = (der: Buffer): string => createHash('sha256').update(der).digest('base64url');

export async function keepCertificate(queries: Queries, certificate: IssuedCertificate): Promise<void> {
  const { thumbprint, serialNumber, authority, holder, spiffeId, identity, notBefore, notAfter } = certificate;
  await queries.query(
    `INSERT INTO certificates
       (thumbprint, serial_number, authority, holder, spiffe_id, identity, not_before, not_after)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [thumbprint, serialNumber, authority, holder ?? null, spiffeId, JSON.stringify(identity), notBefore, notAfter],
  );
}

export async function findCertificate(queries: Queries, thumbprint: string): Promise<IssuedCertificate | undefined> {
  const [row] = await queries.query<CertificateRow>(`${SELECT} WHERE thumbprint = $1`, [thumbprint]);
  return row && issued(row);
}

/** Those that have not expired, revoked ones included, the first to expire first. */
export async function liveCertificates(queries: Queries, now: number): Promise<IssuedCertificate[]> {
  const rows = await queries.query<CertificateRow>(`${SELECT} WHERE not_after > $1 ORDER BY not_after, thumbprint`, [
    now,
  ]);
  return rows.map(issued);
}

/** What names the certificates that are meant. */
export type Revoked = { readonly serialNumber: string } | { readonly spiffeId: string };

/** @returns those that were not revoked before */
export async function revokeCertificates(queries: Queries, which: Revoked, now: number): Promise<IssuedCertificate[]> {
  const [column, value] =
    'serialNumber' in which ? ['serial_number', which.serialNumber] : ['spiffe_id', which.spiffeId];
  const rows = await queries.query<CertificateRow>(
    `UPDATE certificates SET revoked_at = $1 WHERE ${column} = $2 AND revoked_at IS NULL AND not_after > $1
     RETURNING ${COLUMNS}`,
    [now, value],
  );
  if ('spiffeId' in which) await queries.query('DELETE FROM join_tokens WHERE spiffe_id = $1', [which.spiffeId]);
  return rows.map(issued);
}

/** An expired one is told so for a while; then it is unknown. */
const FORGOTTEN_AFTER_MS = 7 * 86_400_000;

/** Forgets what expired a while ago, and holders of nothing else. */
export async function sweepCertificates(queries: Queries, now: number): Promise<void> {
  await queries.query('DELETE FROM certificates WHERE not_after < $1', [now - FORGOTTEN_AFTER_MS]);
  await queries.query(
    'DELETE FROM holders WHERE NOT EXISTS (SELECT 1 FROM certificates c WHERE c.holder = holders.id)',
  );
  await queries.query('DELETE FROM join_tokens WHERE expires_at <= $1', [now]);
}

export interface RevokedEntry {
  readonly serialNumber: string;
  readonly revokedAt: number;
}

/** Those that would still be accepted without a list, by the authority that signed them. */
export async function revokedEntries(queries: Queries, now: number): Promise<ReadonlyMap<string, RevokedEntry[]>> {
  const rows = await queries.query<CertificateRow & { readonly revoked_at: number }>(
    `${SELECT} WHERE revoked_at IS NOT NULL AND not_after > $1 ORDER BY revoked_at, serial_number`,
    [now],
  );
  const byAuthority = new Map<string, RevokedEntry[]>();
  for (const { authority, serial_number: serialNumber, revoked_at: revokedAt } of rows) {
    const entries = byAuthority.get(authority);
    if (entries === undefined) byAuthority.set(authority, [{ serialNumber, revokedAt }]);
    else entries.push({ serialNumber, revokedAt });
  }
  return byAuthority;
}

const COLUMNS = 'thumbprint, serial_number, authority, holder, spiffe_id, identity, not_before, not_after, revoked_at';
const SELECT = `SELECT ${COLUMNS} FROM certificates`;

function issued(row: CertificateRow): IssuedCertificate {
  return {
    thumbprint: row.thumbprint,
    serialNumber: row.serial_number,
    authority: row.authority,
    holder: row.holder ?? undefined,
    spiffeId: row.spiffe_id,
    identity: JSON.parse(row.identity) as Identity,
    notBefore: row.not_before,
    notAfter: row.not_after,
    revokedAt: row.revoked_at ?? undefined,
  };
}
