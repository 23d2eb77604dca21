/** Subject alternative names by kind, with whatever bytes they have: judging them is `peer.ts`'s task (RFC 5280 section 4.2.1.6). */
import { contextTag, type DerElement, DerError, readDer, readFields, TAG } from './der.ts';

export interface SubjectAltName {
  /** `other` is everything that is not a text or an address: otherName, directoryName and so on. */
  readonly kind: 'dns' | 'uri' | 'email' | 'ip' | 'other';
  /** One character for each byte, nothing removed or decoded; an address as `10.0.0.1` or as eight groups. */
  readonly value: string;
}

const TEXT_KINDS: ReadonlyMap<number, SubjectAltName['kind']> = new Map([
  [contextTag(1, false), 'email'],
  [contextTag(2, false), 'dns'],
  [contextTag(6, false), 'uri'],
]);
const IP = contextTag(7, false);
const OTHER: ReadonlySet<number> = new Set([
  ...[0, 3, 4, 5].map((number) => contextTag(number, true)),
  contextTag(8, false),
]);

export function readSubjectAltNames(extension: Buffer): SubjectAltName[] {
  const names = readFields(readDer(extension), TAG.sequence, 'subjectAltName').map(readGeneralName);
  if (names.length === 0) throw new DerError('subjectAltName is empty');
  return names;
}

function readGeneralName({ tag, content }: DerElement): SubjectAltName {
  if (tag === IP) return { kind: 'ip', value: formatAddress(content) };
  const kind = TEXT_KINDS.get(tag);
  if (kind === undefined && !OTHER.has(tag)) throw new DerError('subjectAltName has a name of unknown kind');
  return { kind: kind ?? 'other', value: content.toString('latin1') };
}

function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new DerError('subjectAltName has an address of unknown length');
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':');
}
