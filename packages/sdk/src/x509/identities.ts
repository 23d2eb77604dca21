/**
 * `identities`: which OAuth client a certificate belongs to, so that a token can be bound to the peer that shows it
 * (SD-05 of the design: a stolen token is useless without the certificate of its client).
 */
import { Problem } from '../problem.ts';
import { type Compiled, type EntryFinding, entryKey, identityKeys, parseIdentityEntry } from './identity-entry.ts';
import type { PeerIdentity } from './peer.ts';

/** A client as one issuer knows it: another issuer may give the same name to somebody else. */
export interface IssuedClient {
  readonly clientId: string;
  /** As in `iss`. */
  readonly issuer: string;
}

export interface ClientBinding extends IssuedClient {
  /** Clients whose tokens this peer may pass on, such as the web application in front of a gateway. */
  readonly mayForward: readonly IssuedClient[];
}

/** Whether a token of this client, as this issuer calls it, is the peer's own, or one that it may pass on. */
export function mayPresent(binding: ClientBinding, clientId: string, issuer: string): boolean {
  if (binding.clientId === clientId && binding.issuer === issuer) return true;
  for (const other of binding.mayForward) {
    if (other.clientId === clientId && other.issuer === issuer) return true;
  }
  return false;
}

/** The client of a peer, or `undefined` for one that is not in the table. */
export type IdentityLookup = (peer: PeerIdentity) => ClientBinding | undefined;

/**
 * Compiles the table of certificate identity → client; wrong and repeated identities are findings.
 * The lookup throws `peer_identity_invalid` when SPIFFE ID and subject of one certificate belong to different clients.
 *
 * @example
 * ```ts
 * const issuer = 'https://idp.example.org/realms/services';
 * const gateway = { clientId: 'api-gateway', issuer, mayForward: [{ clientId: 'web-app', issuer }] };
 * const compiled = compileIdentities(new Map([['spiffe://example.org/zone1/api-gateway', gateway]]));
 * ```
 */
export function compileIdentities(table: ReadonlyMap<string, ClientBinding>): Compiled<IdentityLookup> {
  const bindings = new Map<string, ClientBinding>();
  const findings: EntryFinding[] = [];
  for (const [text, binding] of table) {
    const entry = parseIdentityEntry(text);
    if (typeof entry === 'string') findings.push({ entry: text, message: entry });
    else if (bindings.has(entryKey(entry))) {
      findings.push({ entry: text, message: 'this identity is listed twice, written differently; keep one of them' });
    } else bindings.set(entryKey(entry), binding);
  }
  return findings.length > 0 ? { ok: false, findings } : { ok: true, value: (peer) => lookUp(bindings, peer) };
}

function lookUp(bindings: ReadonlyMap<string, ClientBinding>, peer: PeerIdentity): ClientBinding | undefined {
  const [first, second] = identityKeys(peer).flatMap((key) => bindings.get(key) ?? []);
  if (first !== undefined && second !== undefined && !isSameClient(first, second)) {
    const reason = `the certificate is ${first.clientId} by its SPIFFE ID and ${second.clientId} by its subject, or of two issuers`;
    throw new Problem('peer_identity_invalid', reason);
  }
  return first;
}

function isSameClient(one: IssuedClient, other: IssuedClient): boolean {
  return one.clientId === other.clientId && one.issuer === other.issuer;
}
