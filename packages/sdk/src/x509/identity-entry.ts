/** One certificate identity in a configuration: `spiffe://…`, or a whole subject such as `CN=…,O=…`. */
import { parseSpiffeId, type SpiffeId, SpiffeIdError } from '../spiffe/spiffe-id.ts';
import { type DistinguishedName, distinguishedNameKey } from './distinguished-name.ts';
import { DistinguishedNameError, parseDistinguishedName } from './distinguished-name-text.ts';
import { excerpt } from './excerpt.ts';
import type { PeerIdentity } from './peer.ts';

export type IdentityEntry =
  | { readonly kind: 'spiffe'; readonly spiffeId: SpiffeId }
  | { readonly kind: 'subject'; readonly subject: DistinguishedName };

/** What is wrong with one entry, and what to write instead. */
export interface EntryFinding {
  readonly entry: string;
  readonly message: string;
}

/** A compiled table, or all the reasons why there is none. */
export type Compiled<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly findings: readonly EntryFinding[] };

/** Reads an entry; the answer is a message for its author when it is not one. */
export function parseIdentityEntry(text: string): IdentityEntry | string {
  try {
    if (/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return spiffeEntry(text);
    if (!text.includes('=') || text.startsWith('/')) {
      return `${excerpt(text)} is neither a SPIFFE ID nor a subject; write spiffe://<trust domain>/<path> or CN=<name>,O=<organization>`;
    }
    return subjectEntry(text);
  } catch (error) {
    if (!(error instanceof SpiffeIdError) && !(error instanceof DistinguishedNameError)) throw error;
    return `${excerpt(text)} is not an identity: ${error.message}`;
  }
}

/** Keys of the entries that a peer can be listed under: its SPIFFE ID first, its subject second. */
export function identityKeys(peer: PeerIdentity): readonly string[] {
  const subject = entryKey({ kind: 'subject', subject: peer.subject });
  return peer.kind === 'spiffe' ? [entryKey(peer), subject] : [subject];
}

/** The same for two entries exactly when they name the same identity. */
export function entryKey(entry: IdentityEntry): string {
  return entry.kind === 'spiffe' ? entry.spiffeId.uri : distinguishedNameKey(entry.subject);
}

function spiffeEntry(text: string): IdentityEntry | string {
  if (text.includes('*')) return `${excerpt(text)} is a pattern; list each SPIFFE ID in full`;
  const spiffeId = parseSpiffeId(text);
  if (spiffeId.path === '') return `${excerpt(text)} names a trust domain, not a workload; add its path`;
  return { kind: 'spiffe', spiffeId };
}

function subjectEntry(text: string): IdentityEntry | string {
  const subject = parseDistinguishedName(text);
  if (subject.some((rdn) => rdn.length > 1)) {
    return `${excerpt(text)} has a multi-valued part ("+"); such certificates are never accepted`;
  }
  return { kind: 'subject', subject };
}
