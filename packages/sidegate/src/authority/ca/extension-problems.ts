/**
 * Extensions as RFC 5280 section 4.2 wants them, beyond what they say about names and purposes: OpenSSL checks these
 * only under `-x509_strict`, other verifiers always. Fails closed: an extension that nobody here understands is a
 * finding when it is critical, and name constraints always are, because nobody here applies them.
 */

import 'reflect-metadata';
import type { X509Certificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  X509Certificate as ParsedCertificate,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509';

const OID = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.extendedKeyUsage,
]);

/** What is wrong with the extensions of an authority or a leaf; continues the file's name. */
export function extensionProblems(certificate: X509Certificate, role: 'authority' | 'leaf'): string[] {
  let parsed: ParsedCertificate;
  let extensions: readonly Extension[];
  try {
    parsed = new ParsedCertificate(certificate.raw);
    extensions = parsed.extensions;
  } catch {
    return ['has an extension that cannot be read'];
  }
  const problems = extensions.flatMap(criticalityProblems);
  if (role === 'authority') {
    if (parsed.getExtension(BasicConstraintsExtension)?.critical === false) {
      problems.push('has basic constraints that are not critical');
    }
    if (parsed.getExtension(SubjectKeyIdentifierExtension) === null) problems.push('has no subject key identifier');
  } else {
    if (parsed.getExtension(BasicConstraintsExtension)?.pathLength !== undefined) {
      problems.push('has a path length, which only an authority may have');
    }
    if (parsed.getExtension(AuthorityKeyIdentifierExtension) === null) problems.push('has no authority key identifier');
  }
  return problems;
}

function criticalityProblems({ type, critical }: Extension): string[] {
  if (type === OID.nameConstraints) return ['has name constraints, which are not supported'];
  if (!critical) return [];
  if (type === OID.subjectKeyIdentifier || type === OID.authorityKeyIdentifier) {
    return ['has a key identifier that is critical, which it must not be'];
  }
  return UNDERSTOOD.has(type) ? [] : [`has a critical extension that is not understood (${type})`];
}
