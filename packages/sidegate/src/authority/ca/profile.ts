/**
 * What each kind of certificate may ask for, what it gets, and what must hold before it is signed
 * (RFC 5280 section 4.2, X509-SVID section 4). Three steps: validate the request, add what the profile says,
 * enforce the outcome against the issuer.
 */

import { attributeProblem, dnsNameProblem, ipAddressProblem, spiffeIdProblem } from './names.ts';

type ProfileName = 'zone-ca' | 'server' | 'client';

/** What somebody asks for: names and a lifetime, never extensions. */
export interface CertificateRequest {
  readonly profile: ProfileName;
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly spiffeIds: readonly string[];
  readonly validForMs: number;
}

type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign';
type ExtendedKeyUsage = 'serverAuth' | 'clientAuth';

/** What is about to be signed. */
export interface CertificateTemplate extends CertificateRequest {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly isAuthority: boolean;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
}

interface Profile {
  readonly isAuthority: boolean;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
  /** How many names of each kind: at least, at most. */
  readonly dnsNames: readonly [number, number];
  readonly ipAddresses: readonly [number, number];
  readonly spiffeIds: readonly [number, number];
}

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'zone-ca': {
    isAuthority: true,
    keyUsage: ['keyCertSign', 'cRLSign'],
    extendedKeyUsage: [],
    dnsNames: [0, 0],
    ipAddresses: [0, 0],
    spiffeIds: [0, 0],
  },
  server: {
    isAuthority: false,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    dnsNames: [1, 32],
    ipAddresses: [0, 32],
    spiffeIds: [0, 1],
  },
  client: {
    isAuthority: false,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    dnsNames: [0, 0],
    ipAddresses: [0, 0],
    spiffeIds: [1, 1], // an X509-SVID has exactly one URI name, X509-SVID section 2
  },
};

/** Clocks of peers differ a little: a certificate is valid from a minute before it was made. */
const BACKDATE_MS = 60_000;
const MIN_VALIDITY_MS = 1000;
const MAX_VALIDITY_MS = 10 * 365 * 86_400_000;

/** The validator: why the request is refused, all reasons at once. Fails closed: an empty answer is the only yes. */
export function requestProblems(request: CertificateRequest): string[] {
  const profile = PROFILES[request.profile];
  const problems = [
    ...named('common name', [request.commonName], attributeProblem),
    ...named('organization', [request.organization], attributeProblem),
    ...named('DNS name', request.dnsNames, dnsNameProblem),
    ...named('IP address', request.ipAddresses, ipAddressProblem),
    ...named('SPIFFE ID', request.spiffeIds, spiffeIdProblem),
    ...counted(request, 'DNS names', request.dnsNames.length, profile.dnsNames),
    ...counted(request, 'IP addresses', request.ipAddresses.length, profile.ipAddresses),
    ...counted(request, 'SPIFFE IDs', request.spiffeIds.length, profile.spiffeIds),
  ];
  if (!(request.validForMs >= MIN_VALIDITY_MS && request.validForMs <= MAX_VALIDITY_MS)) {
    problems.push('the validity is not between a second and ten years');
  }
  return problems;
}

/** The modifier: everything the requester has no say in. A leaf's life ends with its issuer's at the latest. */
export function applyProfile(request: CertificateRequest, now: number, issuerNotAfter?: Date): CertificateTemplate {
  const { isAuthority, keyUsage, extendedKeyUsage } = PROFILES[request.profile];
  const notAfter = Math.min(now + request.validForMs, issuerNotAfter?.getTime() ?? Number.POSITIVE_INFINITY);
  return {
    ...request,
    notBefore: wholeSecond(now - BACKDATE_MS),
    notAfter: wholeSecond(notAfter),
    isAuthority,
    keyUsage,
    extendedKeyUsage,
  };
}

/** The enforcer: what no request and no modifier can get past, whatever they put into the template. */
export function templateProblems(
  template: CertificateTemplate,
  issuer: { readonly notAfter: Date } | 'self',
): string[] {
  const problems: string[] = [];
  if (template.isAuthority !== (issuer === 'self')) {
    problems.push(template.isAuthority ? 'an authority below an authority' : 'a leaf that signs itself');
  }
  if (!template.isAuthority && template.keyUsage.includes('keyCertSign')) problems.push('a leaf that may sign');
  if (!(template.notBefore < template.notAfter)) problems.push('a validity that is over before it starts');
  if (issuer !== 'self' && template.notAfter > issuer.notAfter) problems.push('a leaf that outlives its authority');
  return problems;
}

function named(kind: string, values: readonly string[], problem: (value: string) => string | undefined): string[] {
  return values.flatMap((value) => {
    const found = problem(value);
    return found === undefined ? [] : [`the ${kind} ${JSON.stringify(value)} ${found}`];
  });
}

function counted(request: CertificateRequest, kind: string, count: number, [least, most]: readonly [number, number]) {
  if (count >= least && count <= most) return [];
  const wanted = most === 0 ? 'none' : least === most ? `exactly ${least}` : `${least} to ${most}`;
  return [`a ${request.profile} certificate has ${wanted} of ${kind}, not ${count}`];
}

function wholeSecond(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000);
}
