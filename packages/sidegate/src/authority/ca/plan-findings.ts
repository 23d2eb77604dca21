/** Whether a certificate says what its plan says: the same subject and exactly the same alternative names. */

import { isIPv6, SocketAddress } from 'node:net';
import { attributeValues, type Certificate, formatDistinguishedName } from '@sidegate/sdk';
import type { StoredCertificate } from './certificate-findings.ts';
import type { Finding } from './finding.ts';
import { printable } from './printable.ts';
import type { CertificateRequest } from './profile.ts';

/** Every difference between a certificate and what was asked for; lifetime and kind of key may differ. */
export function planFindings({ file, facts }: StoredCertificate, request: CertificateRequest): Finding[] {
  const findings: Finding[] = [];
  if (!hasSubject(facts.subject, request)) {
    const message = `has the subject ${printable(formatDistinguishedName(facts.subject))} instead of CN=${request.commonName},O=${request.organization}`;
    findings.push({ file, code: 'names', message });
  }
  const present = new Set(facts.subjectAltNames.map(({ kind, value }) => label(kind, value)));
  const planned = new Set(plannedNames(request));
  const missing = planned.difference(present);
  const extra = present.difference(planned);
  if (missing.size > 0) findings.push({ file, code: 'names', message: `lacks ${[...missing].join(', ')}` });
  if (extra.size > 0)
    findings.push({ file, code: 'names', message: `has ${[...extra].map(printable).join(', ')}, not in the plan` });
  return findings;
}

function hasSubject(subject: Certificate['subject'], request: CertificateRequest): boolean {
  return (
    subject.length === 2 &&
    attributeValues(subject, 'CN').join() === request.commonName &&
    attributeValues(subject, 'O').join() === request.organization
  );
}

function plannedNames(request: CertificateRequest): string[] {
  return [
    ...request.dnsNames.map((value) => label('dns', value)),
    ...request.ipAddresses.map((value) => label('ip', value)),
    ...request.spiffeIds.map((value) => label('uri', value)),
  ];
}

/** One text for a name, so that two notations of an IPv6 address are one. */
function label(kind: Certificate['subjectAltNames'][number]['kind'], value: string): string {
  const normal = kind === 'ip' && isIPv6(value) ? new SocketAddress({ address: value, family: 'ipv6' }).address : value;
  return `${kind}:${normal}`;
}
