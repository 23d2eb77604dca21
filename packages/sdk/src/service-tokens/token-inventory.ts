/**
 * The service tokens that were made: whose, since when, until when, where they are kept. Never the tokens. It is a file to which lines
 * of JSON are only ever added, so that two who write at a time lose nothing, and what was done stays readable.
 */
import { isJsonArray, isJsonObject, type JsonObject, parseStrictJson } from '../jwt/strict-json.ts';

export interface InventoryToken {
  /** Its `jti`. */
  readonly id: string;
  readonly service: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Of the key or secret that signed it, as in {@link JWTHandler.keyFingerprints}. */
  readonly key: string;
  readonly tenants?: readonly string[] | undefined;
  readonly operations?: readonly string[] | undefined;
  /** Where whoever uses it finds it, for people. */
  readonly storedIn?: string | undefined;
  /** The id of the one that it takes the place of; both are good until the older one expires or is revoked. */
  readonly replaces?: string | undefined;
}

export interface ListedToken extends InventoryToken {
  readonly state: 'live' | 'replaced' | 'expired' | 'revoked';
}

export interface TokenInventory {
  /** By the time at which they expire. */
  readonly tokens: readonly ListedToken[];
  /** For {@link CommonSettings.isRevoked}. */
  isRevoked(id: string): boolean;
  /** Live ones that expire within this time and were not replaced. */
  expiring(withinMs: number): readonly ListedToken[];
}

/** The line to add for a new token. */
export function issuedLine(token: InventoryToken): string {
  const { id, service, issuedAt, expiresAt, key, tenants, operations, storedIn, replaces } = token;
  return line({
    event: 'issued',
    id,
    service,
    issued_at: isoTime(issuedAt),
    expires_at: isoTime(expiresAt),
    key,
    tenants,
    operations,
    stored_in: storedIn,
    replaces,
  });
}

/** The line to add for a token that is taken back. */
export function revokedLine(id: string, at: number): string {
  return line({ event: 'revoked', id, at: isoTime(at) });
}

/**
 * @param now milliseconds since the epoch
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { JWTHandler, publicPemKeys, readTokenInventory } from '@sidegate/sdk/service-tokens';
 *
 * const inventory = readTokenInventory(readFileSync('/etc/sidegate/service-tokens.jsonl', 'utf8'), Date.now());
 * const verificationKeys = publicPemKeys({ pem: process.env['TOKEN_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const handler = new JWTHandler({ verificationKeys, isRevoked: (id) => inventory.isRevoked(id) });
 * ```
 *
 * @throws RangeError with the number of the line that is none of ours
 */
export function readTokenInventory(text: string, now: number): TokenInventory {
  const issued = new Map<string, InventoryToken>();
  const revoked = new Set<string>();
  const replaced = new Set<string>();
  for (const [index, entry] of text.split('\n').entries()) {
    if (entry.trim() === '') continue;
    const event = readLine(entry, index + 1);
    if (event.kind === 'revoked') revoked.add(event.id);
    else {
      issued.set(event.token.id, event.token);
      if (event.token.replaces !== undefined) replaced.add(event.token.replaces);
    }
  }
  const stateOf = ({ id, expiresAt }: InventoryToken): ListedToken['state'] => {
    if (revoked.has(id)) return 'revoked';
    if (expiresAt <= now) return 'expired';
    return replaced.has(id) ? 'replaced' : 'live';
  };
  const tokens = [...issued.values()]
    .map((token) => ({ ...token, state: stateOf(token) }))
    .toSorted((one, other) => one.expiresAt - other.expiresAt);
  return {
    tokens,
    isRevoked: (id) => revoked.has(id),
    expiring: (withinMs) => tokens.filter(({ state, expiresAt }) => state === 'live' && expiresAt - now <= withinMs),
  };
}

type Event =
  | { readonly kind: 'issued'; readonly token: InventoryToken }
  | { readonly kind: 'revoked'; readonly id: string };

function readLine(text: string, number: number): Event {
  try {
    const entry = parseStrictJson(Buffer.from(text));
    if (!isJsonObject(entry)) throw new RangeError('not an object');
    if (entry['event'] === 'revoked') return { kind: 'revoked', id: readText(entry, 'id') };
    if (entry['event'] !== 'issued') throw new RangeError('event is neither issued nor revoked');
    return { kind: 'issued', token: readToken(entry) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RangeError(`line ${number} of the token inventory: ${reason}`, { cause: error });
  }
}

function readToken(entry: JsonObject): InventoryToken {
  const optional = (name: string): string | undefined =>
    entry[name] === undefined ? undefined : readText(entry, name);
  return {
    id: readText(entry, 'id'),
    service: readText(entry, 'service'),
    issuedAt: readTime(entry, 'issued_at'),
    expiresAt: readTime(entry, 'expires_at'),
    key: readText(entry, 'key'),
    tenants: readNames(entry, 'tenants'),
    operations: readNames(entry, 'operations'),
    storedIn: optional('stored_in'),
    replaces: optional('replaces'),
  };
}

function readText(entry: JsonObject, name: string): string {
  const value = entry[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new RangeError(`${name} is missing or not a text`);
}

function readTime(entry: JsonObject, name: string): number {
  const time = Date.parse(readText(entry, name));
  if (Number.isNaN(time)) throw new RangeError(`${name} is not a time`);
  return time;
}

function readNames(entry: JsonObject, name: string): readonly string[] | undefined {
  const value = entry[name];
  if (value === undefined) return undefined;
  if (isJsonArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new RangeError(`${name} is not a list of names`);
}

const line = (event: object): string => `${JSON.stringify(event)}\n`;
const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();
