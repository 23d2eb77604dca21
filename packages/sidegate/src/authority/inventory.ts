/** What a trust domain runs on: clients, their secrets, signing keys, long-lived tokens, certificates, and which of them need somebody. */
import type { IssuedCertificate } from './enrolment/certificates.ts';
import type { IssuedToken } from './issuer/issued-tokens.ts';
import type { KeycloakRealm } from './issuer/keycloak-realm.ts';
import type { ListedKey } from './keys/key-store.ts';
import type { ListedSecret } from './store/client-secrets.ts';

/** A secret that somebody else made, and that is rotated by hand. */
export interface DeclaredSecret {
  readonly name: string;
  readonly kind: 'database_password' | 'api_key';
  /** Milliseconds since the Unix epoch, like all times here. */
  readonly rotatedAt: number;
}

export interface InventorySources {
  readonly realms: readonly KeycloakRealm[];
  readonly clientSecrets: readonly ListedSecret[];
  readonly keys: readonly ListedKey[];
  readonly tokens: readonly IssuedToken[];
  readonly certificates: readonly IssuedCertificate[];
  readonly declared: readonly DeclaredSecret[];
}

export type InventoryKind =
  | 'client'
  | 'client_secret'
  | 'signing_key'
  | 'token'
  | 'certificate'
  | DeclaredSecret['kind'];

export interface InventoryItem {
  readonly kind: InventoryKind;
  /** Never a secret: a client id, a kid, a jti, a SPIFFE ID. */
  readonly name: string;
  readonly realm: string | undefined;
  readonly since: number | undefined;
  readonly expiresAt: number | undefined;
  /** What somebody has to do about it; undefined: nothing. */
  readonly concern: string | undefined;
}

const DAY_MS = 86_400_000;
const LONG_LIVED_TOKEN_MS = 900_000;

/** How old each kind may grow, in days; the longest of what is recommended. */
const MAX_AGE_DAYS = {
  client_secret: 90,
  signing_key: 90,
  certificate: 90,
  database_password: 90,
  api_key: 365,
} as const;

/** @param expiringMs what expires sooner is a concern, unless it renews itself */
export function takeInventory(sources: InventorySources, nowMs: number, expiringMs: number): InventoryItem[] {
  return [
    ...sources.realms.flatMap(clientsOf),
    ...sources.clientSecrets.map(({ realm, client, createdAt, expiresAt }) => ({
      kind: 'client_secret' as const,
      name: client,
      realm,
      since: createdAt,
      expiresAt,
      // one with an end has a successor already
      concern: expiresAt === undefined ? tooOld('client_secret', createdAt, nowMs) : undefined,
    })),
    ...sources.keys.filter(({ state }) => state !== 'retired').map((key) => keyItem(key, nowMs)),
    ...sources.tokens
      .filter(({ issuedAt, expiresAt }) => expiresAt - issuedAt > LONG_LIVED_TOKEN_MS)
      .map(({ jti, realm, issuedAt, expiresAt }) => ({
        kind: 'token' as const,
        name: jti,
        realm,
        since: issuedAt,
        expiresAt,
        concern: expiring(expiresAt, nowMs, expiringMs),
      })),
    ...newestOf(sources.certificates).map((certificate) => certificateItem(certificate, nowMs, expiringMs)),
    ...sources.declared.map(({ name, kind, rotatedAt }) => ({
      kind,
      name,
      realm: undefined,
      since: rotatedAt,
      expiresAt: rotatedAt + MAX_AGE_DAYS[kind] * DAY_MS,
      concern: tooOld(kind, rotatedAt, nowMs) ?? expiring(rotatedAt + MAX_AGE_DAYS[kind] * DAY_MS, nowMs, expiringMs),
    })),
  ];
}

function clientsOf({ realm, clients = [] }: KeycloakRealm): InventoryItem[] {
  return clients
    .filter(({ enabled }) => enabled !== false)
    .map(({ clientId }) => ({
      kind: 'client',
      name: clientId,
      realm,
      since: undefined,
      expiresAt: undefined,
      concern: undefined,
    }));
}

function keyItem({ kid, realm, state, activateAt }: ListedKey, nowMs: number): InventoryItem {
  const concern = state === 'current' ? tooOld('signing_key', activateAt, nowMs) : undefined;
  return { kind: 'signing_key', name: kid, realm, since: activateAt, expiresAt: undefined, concern };
}

/** The ones before are used up: whoever renewed has a later one. */
function newestOf(certificates: readonly IssuedCertificate[]): IssuedCertificate[] {
  const newest = new Map<string, IssuedCertificate>();
  for (const certificate of certificates) {
    if (certificate.revokedAt !== undefined) continue;
    const { holder, spiffeId, thumbprint } = certificate;
    const key = holder === undefined ? thumbprint : `${holder} ${spiffeId}`;
    const known = newest.get(key);
    if (known === undefined || known.notAfter < certificate.notAfter) newest.set(key, certificate);
  }
  return [...newest.values()];
}

/** A holder renews at two thirds of the life; one who has not at three quarters needs somebody. */
function certificateItem(certificate: IssuedCertificate, nowMs: number, expiringMs: number): InventoryItem {
  const { spiffeId, holder, notBefore, notAfter } = certificate;
  const life = notAfter - notBefore;
  const overdue = holder !== undefined && nowMs > notBefore + life * 0.75 ? 'its holder does not renew it' : undefined;
  const ends = holder === undefined ? expiring(notAfter, nowMs, expiringMs) : overdue;
  const long =
    life > MAX_AGE_DAYS.certificate * DAY_MS ? `lives longer than ${MAX_AGE_DAYS.certificate} days` : undefined;
  return {
    kind: 'certificate',
    name: spiffeId,
    realm: undefined,
    since: notBefore,
    expiresAt: notAfter,
    concern: ends ?? long,
  };
}

function tooOld(kind: keyof typeof MAX_AGE_DAYS, since: number, nowMs: number): string | undefined {
  const days = MAX_AGE_DAYS[kind];
  return nowMs - since > days * DAY_MS ? `is older than ${days} days; rotate it` : undefined;
}

function expiring(expiresAt: number, nowMs: number, expiringMs: number): string | undefined {
  if (expiresAt <= nowMs) return 'has expired';
  return expiresAt - nowMs < expiringMs ? `expires in ${Math.ceil((expiresAt - nowMs) / DAY_MS)} days` : undefined;
}
