/**
 * Signs certificates: X.509 version 3 as RFC 5280 wants them, so that `openssl verify -x509_strict` agrees.
 * Every certificate passes its profile (profile.ts) before a key touches it.
 */

import 'reflect-metadata';
import { createPublicKey, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  ExtendedKeyUsage as ExtendedKeyUsageOid,
  Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  X509Certificate as ParsedCertificate,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { keyKind } from './key-algorithm.ts';
import { encodeNameConstraints, type NameConstraints } from './name-constraints.ts';
import {
  applyProfile,
  type CertificateRequest,
  type CertificateTemplate,
  type IssuerFacts,
  requestProblems,
  templateProblems,
} from './profile.ts';

const NAME_CONSTRAINTS = '2.5.29.30';

/** A certificate authority that can sign. */
export interface Issuer {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  /** Those that its certificate has. */
  readonly nameConstraints?: NameConstraints;
}

/** An authority whose certificate was read once, for the many that it signs. */
export interface PreparedIssuer {
  readonly facts: IssuerFacts;
  readonly signer: Signer;
}

/** @throws Error when its certificate has no key identifier */
export function prepareIssuer({ certificate, privateKey, nameConstraints }: Issuer): PreparedIssuer {
  const authority = new ParsedCertificate(certificate.raw);
  const authorityKeyId = authority.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  if (authorityKeyId === undefined) throw new Error('the certificate of the authority has no key identifier');
  return {
    facts: {
      notAfter: certificate.validToDate,
      pathLength: authority.getExtension(BasicConstraintsExtension)?.pathLength ?? Number.POSITIVE_INFINITY,
      nameConstraints,
    },
    signer: { name: authority.subjectName, key: signingKey(privateKey), authorityKeyId },
  };
}

/** A request that its profile refuses; `problems` has every reason. */
export class IssuanceRefused extends Error {
  override readonly name = 'IssuanceRefused';
  readonly problems: readonly string[];

  constructor(request: CertificateRequest, problems: readonly string[]) {
    super(`no ${request.profile} certificate for ${JSON.stringify(request.commonName)}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Makes an authority's certificate for a key, signed by that key.
 *
 * @throws {IssuanceRefused} when the profile refuses the request.
 */
export function issueAuthority(request: CertificateRequest, key: KeyObject, now: number): Promise<X509Certificate> {
  const template = accept(request, now, 'self');
  return sign(template, createPublicKey(key), { name: distinguishedName(template), key: signingKey(key) });
}

/**
 * Makes a certificate for a key, signed by `issuer`: a leaf's below the authority of a zone, an intermediate's below a root.
 *
 * @param key private, or public where its owner keeps it
 * @throws {IssuanceRefused} when the profile refuses the request.
 */
export async function issueBelow(
  request: CertificateRequest,
  key: KeyObject,
  issuer: Issuer | PreparedIssuer,
  now: number,
): Promise<X509Certificate> {
  const { facts, signer } = 'signer' in issuer ? issuer : prepareIssuer(issuer);
  const template = accept(request, now, facts);
  return sign(template, key.type === 'private' ? createPublicKey(key) : key, signer);
}

interface Signer {
  readonly name: Name | Record<string, string[]>[];
  readonly key: CryptoKey;
  /** In hexadecimal; absent where the certificate signs itself. */
  readonly authorityKeyId?: string;
}

/** Validator, modifier, enforcer, in that order. */
function accept(request: CertificateRequest, now: number, issuer: IssuerFacts | 'self'): CertificateTemplate {
  const problems = requestProblems(request);
  if (problems.length > 0) throw new IssuanceRefused(request, problems);
  const template = applyProfile(request, now, issuer === 'self' ? undefined : issuer.notAfter);
  const broken = templateProblems(template, issuer);
  if (broken.length > 0) throw new IssuanceRefused(request, broken);
  return template;
}

async function sign(template: CertificateTemplate, publicKey: KeyObject, signer: Signer): Promise<X509Certificate> {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const extensions = [...profileExtensions(template), await SubjectKeyIdentifierExtension.create(spki)];
  if (signer.authorityKeyId !== undefined) {
    extensions.push(new AuthorityKeyIdentifierExtension(signer.authorityKeyId));
  }
  const { key } = signer;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: distinguishedName(template),
    issuer: signer.name,
    notBefore: template.notBefore,
    notAfter: template.notAfter,
    publicKey: spki,
    signingKey: key,
    signingAlgorithm: { name: key.algorithm.name, hash: 'SHA-256' },
    extensions,
  });
  return new X509Certificate(Buffer.from(certificate.rawData));
}

function profileExtensions(template: CertificateTemplate): Extension[] {
  const extensions: Extension[] = [
    new BasicConstraintsExtension(template.pathLength !== undefined, template.pathLength, true),
    new KeyUsagesExtension(
      template.keyUsage.map((usage) => KeyUsageFlags[usage]).reduce((flags, flag) => flags | flag),
      true,
    ),
  ];
  if (template.extendedKeyUsage.length > 0) {
    extensions.push(
      new ExtendedKeyUsageExtension(template.extendedKeyUsage.map((usage) => ExtendedKeyUsageOid[usage])),
    );
  }
  if (template.nameConstraints !== undefined) {
    extensions.push(new Extension(NAME_CONSTRAINTS, true, encodeNameConstraints(template.nameConstraints)));
  }
  const names = alternativeNames(template);
  if (names.length > 0) extensions.push(new SubjectAlternativeNameExtension(names));
  return extensions;
}

function alternativeNames(template: CertificateTemplate): JsonGeneralNames {
  return [
    ...template.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...template.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
    ...template.spiffeIds.map((value) => ({ type: 'url' as const, value })),
  ];
}

/** RDNs in the order CN, O; a list of attributes, never a string that would have to be escaped. */
function distinguishedName(template: CertificateTemplate): Record<string, string[]>[] {
  return [{ CN: [template.commonName] }, { O: [template.organization] }];
}

/** 128 random bits but for the top two, which keep the number positive and its length constant. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

/** An authority that the operator brought may have another kind of key than those made here. */
function signingKey(key: KeyObject): CryptoKey {
  return key.toCryptoKey(signingAlgorithm(key), false, ['sign']);
}

function signingAlgorithm(key: KeyObject) {
  switch (key.asymmetricKeyType) {
    case 'ec':
      return { name: 'ECDSA', namedCurve: keyKind(key) };
    case 'ed25519':
      return { name: 'Ed25519' };
    default:
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  }
}
