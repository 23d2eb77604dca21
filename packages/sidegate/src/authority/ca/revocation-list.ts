/** Signs certificate revocation lists (RFC 5280 section 5). */
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  Extension,
  X509Certificate as ParsedCertificate,
  SubjectKeyIdentifierExtension,
  X509CrlGenerator,
} from '@peculiar/x509';
import { derWriter } from '@sidegate/sdk';
import { type Issuer, signingKey } from './issue.ts';

export interface RevocationListContent {
  readonly entries: readonly { readonly serialNumber: string; readonly revokedAt: number }[];
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

const CRL_NUMBER = '2.5.29.20';

/** The list in DER. Its number is the time of it in milliseconds: replicas need not agree on one to raise it. */
export async function issueRevocationList(
  { entries, thisUpdate, nextUpdate }: RevocationListContent,
  { certificate, privateKey }: Issuer,
): Promise<Buffer> {
  const authority = new ParsedCertificate(certificate.raw);
  const keyId = authority.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) throw new Error('the authority has no key identifier');
  const key = signingKey(privateKey);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(thisUpdate));
  const list = await X509CrlGenerator.create({
    issuer: authority.subjectName,
    thisUpdate: new Date(thisUpdate),
    nextUpdate: new Date(nextUpdate),
    entries: entries.map(({ serialNumber, revokedAt }) => ({ serialNumber, revocationDate: new Date(revokedAt) })),
    extensions: [
      new AuthorityKeyIdentifierExtension(keyId),
      new Extension(CRL_NUMBER, false, derWriter.integer(number)),
    ],
    signingKey: key,
    signingAlgorithm: { name: key.algorithm.name, hash: 'SHA-256' },
  });
  return Buffer.from(list.rawData);
}

/** In PEM; the library's own label is one that no other program knows (RFC 7468 section 7). */
export function revocationListPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN X509 CRL-----', ...lines, '-----END X509 CRL-----', ''].join('\n');
}
