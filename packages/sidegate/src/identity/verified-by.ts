/** Whether a connection's certificate would be accepted by authorities that may have changed since its handshake. */
import type { X509Certificate } from 'node:crypto';

/** Certificates between a leaf and its authority; OpenSSL's limit is 100, a service mesh needs one or two. */
const MAX_CHAIN = 8;

/** Signatures only: dates, names and usages were checked by the handshake, and those of the leaf are checked at each request. */
export function verifiedBy(authorities: readonly X509Certificate[]): (leaf: X509Certificate) => boolean {
  return (leaf) => {
    let certificate: X509Certificate | undefined = leaf;
    for (let depth = 0; certificate !== undefined && depth < MAX_CHAIN; depth += 1) {
      const subject: X509Certificate = certificate;
      if (authorities.some((authority) => isIssued(subject, authority))) return true;
      const issuer: X509Certificate | undefined = subject.issuerCertificate;
      certificate = issuer !== undefined && isIssued(subject, issuer) ? issuer : undefined;
    }
    return false;
  };
}

function isIssued(subject: X509Certificate, authority: X509Certificate): boolean {
  return subject.checkIssued(authority) && subject.verify(authority.publicKey);
}
