/**
 * What each kind of certificate may ask for, what it gets, and what must hold before it is signed
 * (RFC 5280 section 4.2, X509-SVID section 4). Three steps: validate the request, add what the profile says,
 * enforce the outcome against the issuer.
 */

import { type NameConstraints, outsideConstraints } from './name-constraints.ts';
import { attributeProblem, dnsNameProblem, ipAddressProblem, spiffeIdProblem } from './names.ts';

/** `zone-ca` stands alone; `intermediate` is the authority of a zone below a `root`. */
type ProfileName = 'root' | 'intermediate' | 'zone-ca' | LeafProfile;

export const LEAF_PROFILES = ['svid', 'server', 'client'] as const;

/** `svid` serves and calls, as X509-SVIDs do (X509-SVID section 4.4). */
export type LeafProfile = (typeof LEAF_PROFILES)[number];

/** What somebody asks for: names and a lifetime, never extensions. */
export interface CertificateRequest {
  readonly profile: ProfileName;
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly spiffeIds: readonly string[];
  readonly validForMs: number;
  /** For an intermediate, and for nothing else. */
  readonly nameConstraints?: NameConstraints;
}

type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign';
type ExtendedKeyUsage = 'serverAuth' | 'clientAuth';

/** What is about to be signed. */
export interface CertificateTemplate extends CertificateRequest {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** How many authorities may stand between it and a leaf; undefined: it is a leaf. */
  readonly pathLength: number | undefined;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
}

/** What the enforcer knows of the authority that is to sign. */
export interface IssuerFacts {
  readonly notAfter: Date;
  /** Infinity: any number. */
  readonly pathLength: number;
  readonly nameConstraints: NameConstraints | undefined;
}

interface Profile {
  readonly pathLength: number | undefined;
  /** Signs itself, or is signed by an authority above. */
  readonly selfSigned: boolean;
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage: readonly ExtendedKeyUsage[];
  /** How many names of each kind: at least, at most. */
  readonly dnsNames: readonly [number, number];
  readonly ipAddresses: readonly [number, number];
  readonly spiffeIds: readonly [number, number];
}

const AUTHORITY = {
  keyUsage: ['keyCertSign', 'cRLSign'],
  extendedKeyUsage: [],
  dnsNames: [0, 0],
  ipAddresses: [0, 0],
  spiffeIds: [0, 0],
} as const;

const LEAF = { pathLength: undefined, selfSigned: false } as const;

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  root: { ...AUTHORITY, pathLength: 1, selfSigned: true },
  intermediate: { ...AUTHORITY, pathLength: 0, selfSigned: false },
  'zone-ca': { ...AUTHORITY, pathLength: 0, selfSigned: true },
  svid: {
    ...LEAF,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    dnsNames: [0, 32],
    ipAddresses: [0, 32],
    spiffeIds: [1, 1],
  },
  server: {
    ...LEAF,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    dnsNames: [1, 32],
    ipAddresses: [0, 32],
    spiffeIds: [0, 1],
  },
  client: {
    ...LEAF,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['clientAuth'],
    dnsNames: [0, 0],
    ipAddresses: [0, 0],
    spiffeIds: [1, 1], // an X509-SVID has exactly one URI name, X509-SVID section 2
  },
};

const OIDS: Readonly<Record<ExtendedKeyUsage, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
};

/** What certificates of a profile are for. */
export function extendedKeyUsageOids(profile: LeafProfile): string[] {
  return PROFILES[profile].extendedKeyUsage.map((usage) => OIDS[usage]);
}

/** Clocks of peers differ a little: a certificate is valid from a minute before it was made, a short one from a tenth of its life. */
const MAX_BACKDATE_MS = 60_000;
const BACKDATE_SHARE = 1 / 10;
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
  if ((request.profile === 'intermediate') !== (request.nameConstraints !== undefined)) {
    problems.push('name constraints belong to an intermediate authority, and to no other certificate');
  }
  if (!(request.validForMs >= MIN_VALIDITY_MS && request.validForMs <= MAX_VALIDITY_MS)) {
    problems.push('the validity is not between a second and ten years');
  }
  return problems;
}

/** The modifier: everything the requester has no say in. A leaf's life ends with its issuer's at the latest. */
export function applyProfile(request: CertificateRequest, now: number, issuerNotAfter?: Date): CertificateTemplate {
  const { pathLength, keyUsage, extendedKeyUsage } = PROFILES[request.profile];
  const notAfter = Math.min(now + request.validForMs, issuerNotAfter?.getTime() ?? Number.POSITIVE_INFINITY);
  return {
    ...request,
    notBefore: wholeSecond(now - Math.min(MAX_BACKDATE_MS, request.validForMs * BACKDATE_SHARE)),
    notAfter: wholeSecond(notAfter),
    pathLength,
    keyUsage,
    extendedKeyUsage,
  };
}

/** The enforcer: what no request and no modifier can get past, whatever they put into the template. */
export function templateProblems(template: CertificateTemplate, issuer: IssuerFacts | 'self'): string[] {
  const problems: string[] = [];
  const { pathLength } = template;
  if (PROFILES[template.profile].selfSigned !== (issuer === 'self')) {
    problems.push(pathLength === undefined ? 'a leaf that signs itself' : 'an authority in the place of another');
  }
  if (pathLength === undefined && template.keyUsage.includes('keyCertSign')) problems.push('a leaf that may sign');
  if (!(template.notBefore < template.notAfter)) problems.push('a validity that is over before it starts');
  if (issuer === 'self') return problems;
  if (pathLength !== undefined && pathLength >= issuer.pathLength) problems.push('an authority below an authority');
  if (template.notAfter > issuer.notAfter) problems.push('a leaf that outlives its authority');
  if (issuer.nameConstraints !== undefined) {
    const outside = outsideConstraints(template, issuer.nameConstraints);
    problems.push(
      ...outside.map((name) => `the name ${JSON.stringify(name)} is not one that its authority may certify`),
    );
  }
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
