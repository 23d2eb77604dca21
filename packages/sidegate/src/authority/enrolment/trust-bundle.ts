/**
 * What others verify our certificates by: the roots, as PEM, and as the document of SPIFFE (SPIFFE Trust Domain and Bundle,
 * section 4) with a sequence number that every change raises.
 */
import { X509Certificate } from 'node:crypto';
import type { Queries } from '../store/database.ts';
import { type Authority, readAuthorities, signingAuthority, trustedRoots } from './authorities.ts';

export interface TrustBundle {
  readonly sequence: number;
  readonly refreshHintSeconds: number;
  readonly roots: readonly Authority[];
  /** Those that sign now; certificates of others are renewed before their time. */
  readonly signing: readonly Authority[];
}

export async function readTrustBundle(queries: Queries, refreshHintSeconds: number): Promise<TrustBundle> {
  const authorities = await readAuthorities(queries);
  const zones = new Set(authorities.flatMap(({ zone }) => (zone === undefined ? [] : [zone])));
  return {
    sequence: await bundleSequence(queries),
    refreshHintSeconds,
    roots: trustedRoots(authorities),
    signing: [...zones].map((zone) => signingAuthority(authorities, zone)).filter((signing) => signing !== undefined),
  };
}

export async function bundleSequence(queries: Queries): Promise<number> {
  const [row] = await queries.query<{ sequence: number | null }>(
    'SELECT max(sequence) AS sequence FROM bundle_changes',
  );
  return row?.sequence ?? 0;
}

export interface BundleChange {
  /** The sequence number before anything was read that this change depends on. */
  readonly after: number;
  readonly change: string;
  /** Which one it is about. */
  readonly authority: string;
  readonly now: number;
}

/** @returns its number; undefined: another process changed the bundle since, so what this one does must not happen */
export async function recordBundleChange(
  queries: Queries,
  { after, change, authority, now }: BundleChange,
): Promise<number | undefined> {
  const [recorded] = await queries.query<{ sequence: number }>(
    `INSERT INTO bundle_changes (sequence, change, root, changed_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (sequence) DO NOTHING RETURNING sequence`,
    [after + 1, change, authority, now],
  );
  return recorded?.sequence;
}

export const bundlePem = ({ roots }: Pick<TrustBundle, 'roots'>): string => roots.map(({ pem }) => pem).join('');

/**
 * Other keys than those of the last change that was recorded raise the sequence number, once for all replicas.
 *
 * @param jwtKeys those that sign JWT-SVIDs, as they are published
 */
export async function recordJwtKeys(queries: Queries, jwtKeys: readonly { readonly kid?: unknown }[], now: number) {
  const after = await bundleSequence(queries);
  const keys = jwtKeys
    .map(({ kid }) => String(kid))
    .sort()
    .join(' ');
  const [last] = await queries.query<{ root: string }>(
    "SELECT root FROM bundle_changes WHERE change = 'jwt-keys' ORDER BY sequence DESC LIMIT 1",
  );
  const before = last?.root ?? '';
  if (keys !== before) await recordBundleChange(queries, { after, change: 'jwt-keys', authority: keys, now });
}

/** `sidegate_signing` is ours: whoever does not know a member of a JWK Set ignores it (RFC 7517 section 5). */
export function spiffeBundle(
  { sequence, refreshHintSeconds, roots, signing }: TrustBundle,
  jwtKeys: readonly object[] = [],
) {
  return {
    spiffe_sequence: sequence,
    spiffe_refresh_hint: refreshHintSeconds,
    keys: [
      ...roots.map(({ pem }) => {
        const { publicKey, raw } = new X509Certificate(pem);
        return { ...publicKey.export({ format: 'jwk' }), use: 'x509-svid', x5c: [raw.toString('base64')] };
      }),
      ...jwtKeys.map((key) => ({ ...key, use: 'jwt-svid' })),
    ],
    sidegate_signing: signing.map(({ id }) => id),
  };
}
