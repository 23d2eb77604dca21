/** From the certificate of a connection up to an authority, by the certificates that its holder sent along. */
import type { X509Certificate } from 'node:crypto';

/** Certificates between a leaf and its authority; OpenSSL's limit is 100, a service mesh needs one or two. */
const MAX_LENGTH = 8;

/**
 * @returns the leaf and the intermediates, each issued by the next one, and the last one by an authority; undefined: there is no way
 */
export function certificationPath(
  leaf: X509Certificate,
  authorities: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const path = [leaf];
  for (let last = leaf; path.length <= MAX_LENGTH; path.push(last)) {
    if (authorities.some((authority) => isIssued(last, authority))) return path;
    const issuer: X509Certificate | undefined = last.issuerCertificate;
    if (issuer?.ca !== true || !isIssued(last, issuer)) return undefined;
    last = issuer;
  }
  return undefined;
}

function isIssued(subject: X509Certificate, authority: X509Certificate): boolean {
  return subject.checkIssued(authority) && subject.verify(authority.publicKey);
}
