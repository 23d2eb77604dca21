/** The extensions that certificates and requests for them share (RFC 5280 section 4.2). */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { contentOf, type DerElement, DerError, readDer, readFields, TAG } from './der.ts';
import { readBoolean, readNamedBits, readOid } from './der-values.ts';

export type KeyUsage = (typeof KEY_USAGES)[number];

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export const EXTENSION = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Contents by object identifier; one extension twice is refused (RFC 5280 section 4.2). */
export function readExtensions(element: DerElement | undefined): ReadonlyMap<string, Buffer> {
  const contents = new Map<string, Buffer>();
  if (element === undefined) return contents;
  for (const extension of readFields(element, TAG.sequence, 'the extensions')) {
    const [id, ...parts] = readFields(extension, TAG.sequence, 'an extension');
    if (parts.length > 1) readBoolean(parts.shift(), 'the critical flag of an extension');
    const [content, ...rest] = parts;
    const oid = readOid(id, 'an extension');
    if (contents.has(oid) || rest.length > 0) throw new DerError(`the extension ${oid} is there twice or malformed`);
    contents.set(oid, contentOf(content, TAG.octetString, `the extension ${oid}`));
  }
  return contents;
}

export const readExtendedKeyUsage = (extension: Buffer): string[] =>
  readFields(readDer(extension), TAG.sequence, 'extendedKeyUsage').map((usage) => readOid(usage, 'extendedKeyUsage'));

export function readKeyUsage(extension: Buffer): ReadonlySet<KeyUsage> {
  const bits = readNamedBits(readDer(extension), 'keyUsage');
  return new Set(KEY_USAGES.filter((_, index) => bits.includes(index)));
}

export function readIsAuthority(extension: Buffer): boolean {
  const [first] = readFields(readDer(extension), TAG.sequence, 'basicConstraints');
  return first?.tag === TAG.boolean && readBoolean(first, 'basicConstraints');
}

/** A SubjectPublicKeyInfo. */
export function readPublicKey(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new DerError('the public key is of an unknown kind', { cause });
  }
}
