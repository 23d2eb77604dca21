/**
 * What is wrong with one certificate: by itself, below its authority, and against what was planned
 * (RFC 5280 sections 4.2 and 6.1, X509-SVID section 5). Every function answers with findings and fails closed:
 * what OpenSSL refuses under `-x509_strict` these refuse, and more.
 */

import type { X509Certificate } from 'node:crypto';
import {
  attributeValues,
  type Certificate,
  certificateWeakness,
  formatDistinguishedName,
  identifyCertificate,
  Problem,
} from '@sidegate/sdk';
import { extensionProblems } from './extension-problems.ts';
import type { Finding, FindingCode } from './finding.ts';
import { printable } from './printable.ts';

/** A certificate, the name of its file, and what it says. */
export interface StoredCertificate {
  readonly file: string;
  readonly certificate: X509Certificate;
  readonly facts: Certificate;
}

export type Purpose = 'server' | 'client';

const PURPOSE_OID: Readonly<Record<Purpose, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};

/** Whether it can be the trust anchor of a zone now. */
export function authorityFindings(authority: StoredCertificate, now: number): Finding[] {
  const { file, certificate, facts } = authority;
  const findings = commonFindings(authority, now);
  if (facts.version !== 3) return findings;
  findings.push(...extensionFindings(authority, 'authority'));
  if (!facts.isAuthority) {
    findings.push(finding(file, 'not_an_authority', 'is not the certificate of an authority (no CA:TRUE)'));
  }
  if (!facts.keyUsage?.has('keyCertSign')) {
    findings.push(finding(file, 'extension', 'does not say that its key may sign certificates (keyCertSign)'));
  }
  if (!signedBy(certificate, certificate)) {
    findings.push(finding(file, 'wrong_authority', 'is not signed by its own key, so it cannot be a trust anchor'));
  }
  return findings;
}

/** Whether a peer that trusts `authority` accepts it for this purpose now. */
export function leafFindings(
  leaf: StoredCertificate,
  authority: StoredCertificate,
  options: { readonly purpose: Purpose; readonly now: number },
): Finding[] {
  const findings = [...commonFindings(leaf, options.now), ...issuerFindings(leaf, authority, options.purpose)];
  if (leaf.facts.version !== 3) return findings;
  findings.push(...extensionFindings(leaf, 'leaf'), ...purposeFindings(leaf, options.purpose));
  return findings.length === 0 && options.purpose === 'client' ? identityFindings(leaf) : findings;
}

/** Dates, version and strength: what every certificate must have. */
function commonFindings({ file, facts }: StoredCertificate, now: number): Finding[] {
  const findings: Finding[] = [];
  if (facts.version !== 3) {
    const message = `is an X.509 version ${facts.version} certificate: it has no names and no purpose`;
    findings.push(finding(file, 'version', message));
  }
  if (now < facts.notBefore) {
    findings.push(finding(file, 'not_yet_valid', `is not valid before ${utc(facts.notBefore)}`));
  }
  if (now > facts.notAfter) findings.push(finding(file, 'expired', `expired on ${utc(facts.notAfter)}`));
  const weakness = certificateWeakness(facts);
  if (weakness !== undefined) findings.push(finding(file, 'weak', `is too weak: ${weakness}`));
  return findings;
}

const extensionFindings = ({ file, certificate }: StoredCertificate, role: 'authority' | 'leaf'): Finding[] =>
  extensionProblems(certificate, role).map((problem) => finding(file, 'extension', problem));

function issuerFindings(leaf: StoredCertificate, authority: StoredCertificate, purpose: Purpose): Finding[] {
  const { file, certificate } = leaf;
  if (!signedBy(certificate, authority.certificate)) {
    if (certificate.verify(certificate.publicKey)) {
      return [finding(file, 'self_signed', `is signed by its own key, not by ${authority.file}`)];
    }
    return [finding(file, 'wrong_authority', wrongAuthority(leaf, authority, purpose))];
  }
  return [];
}

/** SD-01 in words: the files look right one by one, and every handshake fails. */
function wrongAuthority({ facts }: StoredCertificate, authority: StoredCertificate, purpose: Purpose): string {
  const [issuer, wanted] = [commonName(facts.issuer), commonName(authority.facts.subject)];
  const claimed =
    issuer === wanted ? `names ${wanted} as its issuer but is not signed by it` : `is signed by ${issuer}`;
  const who = purpose === 'client' ? 'the servers that it is for trust' : 'the clients of this server trust';
  const rule =
    purpose === 'client'
      ? 'a client certificate is signed by the authority of the zone that is called'
      : 'a server certificate is signed by the authority of its own zone';
  return `${claimed}; ${who} only ${wanted} (${authority.file}), so every handshake fails: ${rule}`;
}

function purposeFindings({ file, facts }: StoredCertificate, purpose: Purpose): Finding[] {
  const findings: Finding[] = [];
  if (facts.isAuthority || facts.keyUsage?.has('keyCertSign') === true) {
    findings.push(finding(file, 'leaf_is_authority', 'is the certificate of an authority, where a leaf belongs'));
  }
  if (facts.extendedKeyUsage?.includes(PURPOSE_OID[purpose]) !== true) {
    findings.push(finding(file, 'purpose', `is not meant for a TLS ${purpose} (extended key usage ${purpose}Auth)`));
  }
  if (facts.keyUsage?.has('digitalSignature') !== true) {
    findings.push(finding(file, 'purpose', 'does not say that its key may sign handshakes (digitalSignature)'));
  }
  if (purpose === 'server' && !facts.subjectAltNames.some(({ kind }) => kind === 'dns' || kind === 'ip')) {
    findings.push(finding(file, 'names', 'has no DNS name and no address as alternative name; the CN does not count'));
  }
  return findings;
}

/** What our own listener would say to it. */
function identityFindings({ file, facts }: StoredCertificate): Finding[] {
  try {
    identifyCertificate(facts, { acceptsSubject: () => false });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [finding(file, 'names', `identifies no caller: ${error.message}`)];
  }
}

function signedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

const commonName = (name: Certificate['subject']): string =>
  printable(attributeValues(name, 'CN')[0] ?? formatDistinguishedName(name));

const finding = (file: string, code: FindingCode, message: string): Finding => ({ file, code, message });

const utc = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
