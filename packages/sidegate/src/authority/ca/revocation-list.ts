/**
 * Signs certificate revocation lists (RFC 5280 section 5). Byte by byte, because the library that makes certificates takes the time
 * of a certificate for every twenty entries, and a list may have a hundred thousand.
 */
import 'reflect-metadata';
import { type KeyObject, sign } from 'node:crypto';
import { X509Certificate as ParsedCertificate, SubjectKeyIdentifierExtension } from '@peculiar/x509';
import { derWriter } from '@sidegate/sdk';
import type { Issuer } from './issue.ts';

export interface RevocationListContent {
  readonly entries: readonly { readonly serialNumber: string; readonly revokedAt: number }[];
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

const { bits, explicit, implicit, integer, octets, oid, sequence, time } = derWriter;

const AUTHORITY_KEY_IDENTIFIER = '2.5.29.35';
const CRL_NUMBER = '2.5.29.20';

/** The list in DER. Its number is the time of it in milliseconds: replicas need not agree on one to raise it. */
export function issueRevocationList(
  { entries, thisUpdate, nextUpdate }: RevocationListContent,
  { certificate, privateKey }: Issuer,
): Buffer {
  const authority = new ParsedCertificate(certificate.raw);
  const keyId = authority.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) throw new Error('the authority has no key identifier');
  const { algorithm, hash } = signatureOf(privateKey);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(thisUpdate));
  const body = sequence(
    integer(Buffer.from([1])),
    algorithm,
    Buffer.from(authority.subjectName.toArrayBuffer()),
    time(new Date(thisUpdate)),
    time(new Date(nextUpdate)),
    // A list of nobody leaves the field out.
    ...(entries.length === 0 ? [] : [sequence(...entries.map(entry))]),
    explicit(
      0,
      sequence(
        extension(AUTHORITY_KEY_IDENTIFIER, sequence(implicit(0, Buffer.from(keyId, 'hex')))),
        extension(CRL_NUMBER, integer(number)),
      ),
    ),
  );
  return sequence(body, algorithm, bits(sign(hash, body, privateKey)));
}

/** In PEM (RFC 7468 section 7). */
export function revocationListPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}

function entry({ serialNumber, revokedAt }: RevocationListContent['entries'][number]): Buffer {
  return sequence(integer(Buffer.from(serialNumber, 'hex')), time(new Date(revokedAt)));
}

const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value));

/** As certificates are signed. */
function signatureOf({ asymmetricKeyType }: KeyObject): { readonly algorithm: Buffer; readonly hash: string | null } {
  switch (asymmetricKeyType) {
    case 'ec':
      return { algorithm: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' };
    case 'ed25519':
      return { algorithm: sequence(oid('1.3.101.112')), hash: null };
    default:
      return { algorithm: sequence(oid('1.2.840.113549.1.1.11'), Buffer.from([0x05, 0])), hash: 'sha256' };
  }
}
