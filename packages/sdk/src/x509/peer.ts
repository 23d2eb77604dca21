/**
 * Who a peer is, according to the client certificate that TLS has verified (X509-SVID sections 2 and 5.2).
 * Chain, dates and possession of the key are TLS's part; everything that OpenSSL tolerates and we do not is here.
 */
import { Problem } from '../problem.ts';
import { parseSpiffeId, type SpiffeId, SpiffeIdError } from '../spiffe/spiffe-id.ts';
import type { Certificate } from './certificate.ts';
import { certificateWeakness } from './certificate-strength.ts';
import { attributeValues, type DistinguishedName, formatDistinguishedName } from './distinguished-name.ts';
import { excerpt } from './excerpt.ts';
import type { SubjectAltName } from './subject-alt-name.ts';

interface PeerFacts {
  readonly subject: DistinguishedName;
  /** The one common name, for policies and logs; an identity only as part of a listed subject. */
  readonly commonName: string | undefined;
  /** The one organization; `undefined` when there are several. */
  readonly organization: string | undefined;
  /** `x5t#S256` of RFC 8705. */
  readonly thumbprint: string;
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch; no request is served on the connection after it. */
  readonly notAfter: number;
}

/** A peer is known by its SPIFFE ID, or by its whole subject where the operator has opted in. */
export type PeerIdentity =
  | (PeerFacts & { readonly kind: 'spiffe'; readonly spiffeId: SpiffeId })
  | (PeerFacts & { readonly kind: 'subject'; readonly spiffeId: undefined });

export interface PeerRules {
  /** The opt-in for certificates without SPIFFE ID: subjects that the operator has written down in full. */
  readonly acceptsSubject: (subject: DistinguishedName) => boolean;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';

/**
 * Derives the one identity of a client certificate. Fails closed: two possible identities are none.
 *
 * @throws Problem `peer_identity_invalid` when the certificate must not identify a client,
 * `peer_identity_missing` when it names no identity that is accepted here
 * @example
 * ```ts
 * const listed = compileAllowedClients(['spiffe://example.org/zone1/api-gateway']);
 * const der = Buffer.from('MIIB…', 'base64');
 * if (listed.ok) identifyCertificate(readCertificate(der), listed.value).spiffeId;
 * ```
 */
export function identifyCertificate(certificate: Certificate, rules: PeerRules): PeerIdentity {
  requireClientLeaf(certificate);
  requireUnambiguousSubject(certificate.subject);
  for (const name of certificate.subjectAltNames) requireSafeName(name);

  const { subject, thumbprint, serialNumber, notBefore, notAfter } = certificate;
  const [commonName] = attributeValues(subject, 'CN');
  const organizations = attributeValues(subject, 'O');
  const organization = organizations.length === 1 ? organizations[0] : undefined;
  const facts = { subject, commonName, organization, thumbprint, serialNumber, notBefore, notAfter };

  const spiffeId = onlySpiffeId(certificate.subjectAltNames);
  if (spiffeId !== undefined) return { ...facts, kind: 'spiffe', spiffeId };
  if (!rules.acceptsSubject(subject)) {
    const shown = excerpt(formatDistinguishedName(subject));
    throw new Problem('peer_identity_missing', `no SPIFFE ID, and the subject ${shown} is not listed as an identity`);
  }
  return { ...facts, kind: 'subject', spiffeId: undefined };
}

function requireClientLeaf(certificate: Certificate): void {
  if (certificate.version !== 3) throw invalid(`version ${certificate.version} instead of 3`);
  const { isAuthority, keyUsage, extendedKeyUsage } = certificate;
  if (isAuthority || keyUsage?.has('keyCertSign') || keyUsage?.has('cRLSign')) {
    throw invalid('it is the certificate of an authority');
  }
  if (keyUsage !== undefined && !keyUsage.has('digitalSignature')) throw invalid('its key is not meant for signatures');
  if (extendedKeyUsage === undefined) throw invalid('it has no extended key usage');
  if (extendedKeyUsage.includes(ANY_EXTENDED_KEY_USAGE)) throw invalid('it is meant for any usage');
  if (!extendedKeyUsage.includes(CLIENT_AUTH)) throw invalid('it is not meant for client authentication');
  const weakness = certificateWeakness(certificate);
  if (weakness !== undefined) throw invalid(weakness);
}

/** Policies read CN and O, so a subject that can be read in two ways is refused even beside a SPIFFE ID. */
function requireUnambiguousSubject(subject: DistinguishedName): void {
  if (attributeValues(subject, 'CN').length > 1) throw invalid('its subject has more than one common name');
  if (subject.some((rdn) => rdn.length > 1)) throw invalid('its subject has a multi-valued part');
}

function requireSafeName({ kind, value }: SubjectAltName): void {
  if (value.includes('\0')) throw invalid(`its ${kind} name has a NUL`);
  if (kind !== 'uri' && /spiffe:\/\//i.test(value)) throw invalid(`a SPIFFE ID in a ${kind} name`);
  if (kind === 'dns' && !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(value)) {
    throw invalid(`its DNS name ${excerpt(value)} is a wildcard or not a host name`);
  }
  if (kind === 'email' && !/^[\x21-\x29\x2b-\x7e]+$/.test(value)) {
    throw invalid(`its e-mail name ${excerpt(value)} has unexpected characters`);
  }
}

function onlySpiffeId(names: readonly SubjectAltName[]): SpiffeId | undefined {
  const [uri, ...more] = names.filter(({ kind }) => kind === 'uri').map(({ value }) => value);
  if (uri === undefined) return undefined;
  if (more.length > 0) throw invalid('it has more than one URI name');
  const spiffeId = parseUri(uri);
  if (spiffeId.path === '') throw invalid('its SPIFFE ID names a trust domain, not a workload');
  return spiffeId;
}

function parseUri(uri: string): SpiffeId {
  try {
    return parseSpiffeId(uri);
  } catch (error) {
    if (!(error instanceof SpiffeIdError)) throw error;
    throw invalid(`its URI name ${excerpt(uri)} is not a SPIFFE ID: ${error.message}`, error);
  }
}

function invalid(reason: string, cause?: unknown): Problem {
  return new Problem('peer_identity_invalid', `the client certificate is refused: ${reason}`, { cause });
}
