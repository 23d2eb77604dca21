/** DER, as the Workload API carries it, as the PEM that TLS takes. */
import { DerError, readAll, TAG } from '../x509/der.ts';

/** Certificates one after the other, without anything between them. */
export function splitCertificates(bytes: Uint8Array): readonly Buffer[] {
  const elements = readAll(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (elements.some(({ tag }) => tag !== TAG.sequence)) throw new DerError('something that is no certificate');
  return elements.map(({ encoded }) => encoded);
}

export function pem(label: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
