/**
 * The authorities of the trust domain: roots, and below each an intermediate for every zone. Private keys are sealed where they are
 * kept, and opened once by the process that signs with them.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { type Issuer, issueAuthority, issueBelow } from '../ca/issue.ts';
import { generateKey, type KeyAlgorithm } from '../ca/key-algorithm.ts';
import type { NameConstraints } from '../ca/name-constraints.ts';
import type { Sealing } from '../keys/sealing.ts';
import type { Queries } from '../store/database.ts';
import { type TrustDomain, type Zone, zoneConstraints } from './identity.ts';

/**
 * `added`: others are told to trust it, it signs nothing yet. `active`: signs. `retiring`: trusted for what it has signed.
 * `retired`: no longer trusted.
 */
export type RootState = 'added' | 'active' | 'retiring' | 'retired';

/** A root, or the intermediate of a zone. */
export interface Authority {
  /** SHA-256 of its certificate, base64url. */
  readonly id: string;
  /** Of an intermediate. */
  readonly zone: string | undefined;
  /** Its root's id; of a root, its own. */
  readonly root: string;
  /** That of its root; `added`, too, for as long as an intermediate waits until everybody has its revocation list. */
  readonly state: RootState;
  /** Its certificate. */
  readonly pem: string;
  /** When that ends, milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Those of an intermediate. */
  readonly nameConstraints: NameConstraints | undefined;
  readonly sealedKey: string;
  readonly createdAt: number;
}

export interface AuthorityOptions {
  readonly keyAlgorithm: KeyAlgorithm;
  readonly rootValidForMs: number;
  readonly intermediateValidForMs: number;
}

interface AuthorityRow {
  readonly id: string;
  readonly zone: string | null;
  readonly root: string;
  readonly state: RootState;
  readonly certificate: string;
  readonly name_constraints: string | null;
  readonly sealed_key: string;
  readonly created_at: number;
  readonly expires_at: number;
}

/** All of them, oldest first. */
export async function readAuthorities(queries: Queries): Promise<readonly Authority[]> {
  const rows = await queries.query<AuthorityRow>(
    `SELECT a.id, a.zone, a.root, CASE r.state WHEN 'active' THEN coalesce(a.state, 'active') ELSE r.state END AS state, a.certificate, a.name_constraints, a.sealed_key, a.created_at, a.expires_at
     FROM authorities a JOIN authorities r ON r.id = a.root ORDER BY a.created_at, a.id`,
  );
  return rows.map((row) => ({
    id: row.id,
    zone: row.zone ?? undefined,
    root: row.root,
    state: row.state,
    pem: row.certificate,
    expiresAt: row.expires_at,
    nameConstraints: row.name_constraints === null ? undefined : (JSON.parse(row.name_constraints) as NameConstraints),
    sealedKey: row.sealed_key,
    createdAt: row.created_at,
  }));
}

export const isRoot = ({ id, root }: Authority): boolean => id === root;

/** Those that others trust, and with them everything below. */
export function trustedRoots(authorities: readonly Authority[]): readonly Authority[] {
  return authorities.filter((authority) => isRoot(authority) && authority.state !== 'retired');
}

/** Who signs for a zone now: the newest below the root that signs. */
export function signingAuthority(authorities: readonly Authority[], zone: string): Authority | undefined {
  return authorities.findLast((authority) => authority.zone === zone && authority.state === 'active');
}

export async function newRoot(
  trustDomain: TrustDomain,
  options: AuthorityOptions,
  { sealing, now, state }: { readonly sealing: Sealing; readonly now: number; readonly state: RootState },
): Promise<Authority> {
  const privateKey = await generateKey(options.keyAlgorithm);
  const certificate = await issueAuthority(
    {
      ...NO_NAMES,
      profile: 'root',
      commonName: commonName(trustDomain.name, 'root', now),
      organization: trustDomain.organization,
      validForMs: options.rootValidForMs,
    },
    privateKey,
    now,
  );
  const id = authorityId(certificate);
  return sealed(
    { id, zone: undefined, root: id, state, nameConstraints: undefined, createdAt: now },
    { certificate, privateKey },
    sealing,
  );
}

export async function newIntermediate(
  zone: Zone,
  trustDomain: TrustDomain,
  {
    root,
    options,
    sealing,
    now,
  }: {
    readonly root: Authority;
    readonly options: AuthorityOptions;
    readonly sealing: Sealing;
    readonly now: number;
  },
): Promise<Authority> {
  const privateKey = await generateKey(options.keyAlgorithm);
  const nameConstraints = zoneConstraints(zone, trustDomain);
  const certificate = await issueBelow(
    {
      ...NO_NAMES,
      profile: 'intermediate',
      commonName: commonName(trustDomain.name, zone.name, now),
      organization: trustDomain.organization,
      validForMs: options.intermediateValidForMs,
      nameConstraints,
    },
    privateKey,
    openAuthority(root, sealing),
    now,
  );
  const { id: rootId, state } = root;
  const id = authorityId(certificate);
  return sealed(
    { id, zone: zone.name, root: rootId, state, nameConstraints, createdAt: now },
    { certificate, privateKey },
    sealing,
  );
}

/** What has no state of its own has that of its root. */
export async function keepAuthority(queries: Queries, authority: Authority, state?: RootState): Promise<void> {
  const { id, zone, root, pem, expiresAt, nameConstraints, sealedKey, createdAt } = authority;
  await queries.query(
    `INSERT INTO authorities (id, zone, root, state, certificate, name_constraints, sealed_key, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      zone ?? null,
      root,
      state ?? (id === root ? authority.state : null),
      pem,
      nameConstraints === undefined ? null : JSON.stringify(nameConstraints),
      sealedKey,
      createdAt,
      expiresAt,
    ],
  );
}

/** @throws CannotOpen */
export function openAuthority({ id, sealedKey, pem, nameConstraints }: Authority, sealing: Sealing): Issuer {
  const certificate = new X509Certificate(pem);
  const privateKey = createPrivateKey({ key: sealing.open(sealedKey, purposeOf(id)), type: 'pkcs8', format: 'der' });
  if (!certificate.checkPrivateKey(privateKey)) throw new Error(`the key of the authority ${id} is another one`);
  return { certificate, privateKey, ...(nameConstraints === undefined ? {} : { nameConstraints }) };
}

export const authorityId = ({ raw }: X509Certificate): string => createHash('sha256').update(raw).digest('base64url');

const NO_NAMES = { dnsNames: [], ipAddresses: [], spiffeIds: [] } as const;
const MAX_COMMON_NAME = 64;

/** With its day, so that two roots are told apart by people; by programs, the key identifiers do it. */
function commonName(trustDomain: string, what: string, now: number): string {
  const end = ` ${what} ${new Date(now).toISOString().slice(0, 16)}`;
  return trustDomain.slice(0, MAX_COMMON_NAME - end.length) + end;
}

function sealed(
  authority: Omit<Authority, 'sealedKey' | 'pem' | 'expiresAt'>,
  { certificate, privateKey }: Issuer,
  sealing: Sealing,
): Authority {
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const sealedKey = sealing.seal(der, purposeOf(authority.id));
  return { ...authority, pem: certificate.toString(), expiresAt: certificate.validToDate.getTime(), sealedKey };
}

const purposeOf = (id: string): string => `authority:${id}`;
