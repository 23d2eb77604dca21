/**
 * Whether a server's certificate is for the host that was asked for, RFC 9525: by its DNS names, or its addresses where the host
 * is one. Node falls back to the common name, and takes a wildcard for a part of a label; neither is a proof here.
 */
import { isIP, SocketAddress } from 'node:net';
import { readCertificate } from './certificate.ts';
import type { SubjectAltName } from './subject-alt-name.ts';

/**
 * @param certificate DER, whose chain was verified
 * @returns what Node's own check would: an error, or undefined when it is the right one
 */
export function checkServerIdentity(host: string, certificate: Buffer): Error | undefined {
  const family = isIP(host);
  const names = namesIn(certificate);
  const isRight =
    family === 0
      ? names.some(({ kind, value }) => kind === 'dns' && matches(value.toLowerCase(), host.toLowerCase()))
      : names.some(({ kind, value }) => kind === 'ip' && isIP(value) === family && plain(value) === plain(host));
  if (isRight) return undefined;
  return Object.assign(new Error(`the certificate is not for ${host}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

/**
 * Whether a server's certificate is that of a workload (X509-SVID section 5.2): one URI, this one, in a certificate that is no authority's.
 *
 * @param certificate DER, whose chain was verified
 */
export function checkServerSpiffeId(id: string, certificate: Buffer): Error | undefined {
  const uris = namesIn(certificate).filter(({ kind }) => kind === 'uri');
  const [only, another] = uris;
  if (only?.value === id && another === undefined && !readCertificate(certificate).isAuthority) return undefined;
  return Object.assign(new Error(`the certificate is not that of ${id}`), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

function namesIn(certificate: Buffer): readonly SubjectAltName[] {
  try {
    return readCertificate(certificate).subjectAltNames;
  } catch {
    return [];
  }
}

/** Section 6.3: a wildcard is the whole left-most label and stands for one; below a single label it would stand for too many. */
function matches(presented: string, host: string): boolean {
  if (!presented.startsWith('*.')) return presented === host;
  const parent = presented.slice(2);
  return parent.includes('.') && !parent.includes('*') && host.slice(host.indexOf('.') + 1) === parent;
}

function plain(address: string): string {
  return new SocketAddress({ address, family: isIP(address) === 6 ? 'ipv6' : 'ipv4' }).address;
}
