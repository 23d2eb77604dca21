/** `allowed_clients`: who may connect. Exact identities only; what is not listed is not allowed. */
import type { DistinguishedName } from './distinguished-name.ts';
import { type Compiled, type EntryFinding, entryKey, identityKeys, parseIdentityEntry } from './identity-entry.ts';
import type { PeerIdentity, PeerRules } from './peer.ts';

/** Also the rules for {@link identifyCertificate}: listing a subject is the opt-in to certificates without SPIFFE ID. */
export interface AllowedClients extends PeerRules {
  /** Whether the peer's SPIFFE ID or its subject is listed. */
  readonly allows: (peer: PeerIdentity) => boolean;
}

/**
 * Compiles the list; every entry that is not an identity is a finding.
 *
 * @example
 * ```ts
 * const compiled = compileAllowedClients(['spiffe://example.org/zone1/api-gateway', 'CN=api-gateway-client,O=MyOrg']);
 * ```
 */
export function compileAllowedClients(entries: readonly string[]): Compiled<AllowedClients> {
  const listed = new Set<string>();
  const findings: EntryFinding[] = [];
  for (const text of entries) {
    const entry = parseIdentityEntry(text);
    if (typeof entry === 'string') findings.push({ entry: text, message: entry });
    else listed.add(entryKey(entry));
  }
  if (findings.length > 0) return { ok: false, findings };
  return {
    ok: true,
    value: {
      allows: (peer) => identityKeys(peer).some((key) => listed.has(key)),
      acceptsSubject: (subject: DistinguishedName) => listed.has(entryKey({ kind: 'subject', subject })),
    },
  };
}
