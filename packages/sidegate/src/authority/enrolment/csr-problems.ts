/**
 * What a signing request asks for beyond its identity. Nothing of a request is copied into a certificate but its key, so most of
 * this could be ignored; a request that asks for more was made by somebody who expects more, and is refused in words.
 */
import { attributeValues, type CertificateSigningRequest, keyWeakness } from '@sidegate/sdk';
import { printable } from '../ca/printable.ts';
import { extendedKeyUsageOids } from '../ca/profile.ts';
import { commonName, type Identity, nameKey, namesOf } from './identity.ts';

const MAX_RSA_BITS = 4096;

/** Empty is the only yes. */
export function csrProblems(csr: CertificateSigningRequest, identity: Identity, trustDomain: string): string[] {
  const problems: string[] = [];
  const weakness = keyWeakness(csr.publicKey);
  if (weakness !== undefined) problems.push(`it is too weak: ${weakness}`);
  if ((csr.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS) {
    problems.push(`its RSA key has more than ${MAX_RSA_BITS} bits`);
  }
  if (csr.isAuthority || csr.keyUsage?.has('keyCertSign') || csr.keyUsage?.has('cRLSign')) {
    problems.push('it asks to be an authority');
  }
  const names = namesOf(identity, trustDomain);
  for (const { kind, value } of csr.subjectAltNames) {
    if (!names.has(nameKey(kind, value))) problems.push(`it asks for the name ${kind}:${printable(value)}`);
  }
  const common = attributeValues(csr.subject, 'CN');
  const own = new Set([identity.service, commonName(identity.profile, identity.service), ...identity.dnsNames]);
  for (const name of common) {
    if (!own.has(name)) problems.push(`it asks for the common name ${printable(name)}`);
  }
  const purposes = extendedKeyUsageOids(identity.profile);
  for (const oid of csr.extendedKeyUsage ?? []) {
    if (!purposes.includes(oid)) problems.push(`it asks for the purpose ${oid}`);
  }
  for (const oid of csr.otherExtensions) problems.push(`it asks for the extension ${oid}`);
  return problems;
}
