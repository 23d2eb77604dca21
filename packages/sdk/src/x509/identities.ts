/**
 * `identities`: which OAuth client a certificate belongs to, so that a token can be bound to the peer that shows it
 * (SD-05 of the design: a stolen token is useless without the certificate of its client).
 */
import { Problem } from '../problem.ts';
import { type Compiled, type EntryFinding, entryKey, identityKeys, parseIdentityEntry } from './identity-entry.ts';
import type { PeerIdentity } from './peer.ts';

export interface ClientBinding {
  readonly clientId: string;
  /** Clients whose tokens this peer may pass on, such as the web application in front of a gateway. */
  readonly mayForward: ReadonlySet<string>;
}

/** The client of a peer, or `undefined` for one that is not in the table. */
export type IdentityLookup = (peer: PeerIdentity) => ClientBinding | undefined;

/**
 * Compiles the table of certificate identity → client; wrong and repeated identities are findings.
 * The lookup throws `peer_identity_invalid` when SPIFFE ID and subject of one certificate belong to different clients.
 *
 * @example
 * ```ts
 * const gateway = { clientId: 'api-gateway', mayForward: new Set(['web-app']) };
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
  if (first !== undefined && second !== undefined && first.clientId !== second.clientId) {
    const reason = `the certificate is ${first.clientId} by its SPIFFE ID and ${second.clientId} by its subject`;
    throw new Problem('peer_identity_invalid', reason);
  }
  return first;
}
