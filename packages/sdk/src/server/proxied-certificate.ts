/**
 * Client certificates that a proxy verified and describes in a header field: `X-Forwarded-Client-Cert` of Envoy and Istio, or
 * `Client-Cert` of RFC 9440. Anybody can write such a field, so it counts only on a connection of the configured proxy.
 */
import { X509Certificate } from 'node:crypto';
import { Problem } from '../problem.ts';
import { parseSpiffeId, type SpiffeId, SpiffeIdError } from '../spiffe/spiffe-id.ts';
import { readCertificate } from '../x509/certificate.ts';
import { attributeValues, type DistinguishedName, formatDistinguishedName } from '../x509/distinguished-name.ts';
import { DistinguishedNameError, parseDistinguishedName } from '../x509/distinguished-name-text.ts';
import { excerpt } from '../x509/excerpt.ts';
import { identifyCertificate, type PeerIdentity, type PeerRules } from '../x509/peer.ts';
import {
  type CertificateSource,
  certificateOf,
  connectionCertificates,
  type FoundCertificate,
} from './connection-certificate.ts';
import { type ForwardedClientCert, parseForwardedClientCert } from './forwarded-client-cert.ts';
import { compileProxy, type TrustedProxy } from './trusted-proxy.ts';

export interface ProxiedCertificateOptions {
  readonly header: 'x-forwarded-client-cert' | 'client-cert';
  readonly proxy: TrustedProxy;
}

/**
 * The certificate behind the proxy on the proxy's connections, and the connection's own on every other one. Of several
 * elements the last one counts, which the proxy itself added.
 *
 * @throws RangeError when no proxy is named: then nobody could be believed
 * @example
 * ```ts
 * import { mutualTls, proxiedCertificates } from '@sidegate/sdk/server';
 *
 * const mesh = mutualTls({
 *   allowedClients: ['spiffe://cluster.local/ns/production/sa/order-service'],
 *   certificates: proxiedCertificates({ header: 'x-forwarded-client-cert', proxy: { addresses: ['127.0.0.6'] } }),
 * });
 * ```
 */
export function proxiedCertificates({ header, proxy }: ProxiedCertificateOptions): CertificateSource {
  const direct = connectionCertificates();
  const isProxy = compileProxy(proxy, direct);
  const read = header === 'client-cert' ? readClientCert : readForwarded;
  return (request) => {
    if (!isProxy(request)) return direct(request);
    const values = request.values(header).filter((value) => value !== '');
    // The proxy speaks for whoever it names, never for itself.
    return values.length === 0 ? undefined : read(values);
  };
}

/** RFC 9440 section 2: one byte sequence, the DER. */
function readClientCert(values: readonly string[]): FoundCertificate {
  const [value = '', another] = values;
  const [, base64] = /^\s*:([A-Za-z0-9+/]+={0,2}):\s*$/.exec(value) ?? [];
  if (base64 === undefined || another !== undefined) throw invalid('Client-Cert is not one byte sequence');
  return certificateOf(Buffer.from(base64, 'base64'));
}

function readForwarded(values: readonly string[]): FoundCertificate {
  const element = parseForwardedClientCert(values.join(',')).at(-1);
  if (element === undefined) throw invalid('X-Forwarded-Client-Cert is empty');
  const thumbprint = element.hash === undefined ? undefined : thumbprintOf(element.hash);
  if (element.cert === undefined)
    return { thumbprint, identify: (rules) => identifyDescribed(element, thumbprint, rules) };
  const der = derOf(element.cert);
  const certificate = certificateOf(der);
  if (thumbprint !== undefined && thumbprint !== certificate.thumbprint)
    throw invalid('Hash is that of another certificate than Cert');
  return { thumbprint: certificate.thumbprint, identify: (rules) => identifyCertificate(readCertificate(der), rules) };
}

function thumbprintOf(hash: string): string {
  if (!/^[\da-f]{64}$/i.test(hash)) throw invalid('Hash is not a SHA-256 in hexadecimal');
  return Buffer.from(hash, 'hex').toString('base64url');
}

function derOf(pem: string): Buffer {
  try {
    return new X509Certificate(pem).raw;
  } catch (cause) {
    throw invalid('Cert is no certificate', cause);
  }
}

/** Without the certificate its names are all there is; the proxy has verified dates and key usage. */
function identifyDescribed(
  { uris, subject: text }: ForwardedClientCert,
  thumbprint: string | undefined,
  { acceptsSubject }: PeerRules,
): PeerIdentity {
  const subject = text === undefined ? [] : subjectOf(text);
  const [commonName] = attributeValues(subject, 'CN');
  const [organization, ...others] = attributeValues(subject, 'O');
  const facts = {
    subject,
    commonName,
    organization: others.length === 0 ? organization : undefined,
    thumbprint: thumbprint ?? '',
    serialNumber: '',
    notBefore: Number.NEGATIVE_INFINITY,
    notAfter: Number.POSITIVE_INFINITY,
  };
  const [uri, ...more] = uris;
  if (more.length > 0) throw invalid('it has more than one URI');
  if (uri !== undefined) return { ...facts, kind: 'spiffe', spiffeId: workloadOf(uri) };
  if (text === undefined) throw new Problem('peer_identity_missing', 'the proxy says neither URI nor Subject');
  if (acceptsSubject(subject)) return { ...facts, kind: 'subject', spiffeId: undefined };
  throw new Problem(
    'peer_identity_missing',
    `no URI, and the subject ${excerpt(formatDistinguishedName(subject))} is not listed`,
  );
}

function subjectOf(text: string): DistinguishedName {
  try {
    const subject = parseDistinguishedName(text);
    if (subject.some((rdn) => rdn.length > 1) || attributeValues(subject, 'CN').length > 1)
      throw invalid('Subject has several readings');
    return subject;
  } catch (error) {
    if (!(error instanceof DistinguishedNameError)) throw error;
    throw invalid(`Subject is no distinguished name: ${error.message}`, error);
  }
}

function workloadOf(uri: string): SpiffeId {
  try {
    const spiffeId = parseSpiffeId(uri);
    if (spiffeId.path !== '') return spiffeId;
  } catch (error) {
    if (!(error instanceof SpiffeIdError)) throw error;
  }
  throw invalid(`URI ${excerpt(uri)} is not the SPIFFE ID of a workload`);
}

function invalid(reason: string, cause?: unknown): Problem {
  return new Problem('peer_identity_invalid', `the certificate that the proxy describes is refused: ${reason}`, {
    cause,
  });
}
