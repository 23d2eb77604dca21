/** Whom a certificate is for: decided when a join token is made, and never by who asks with it. */
import { isIPv6, SocketAddress } from 'node:net';
import { type NameConstraints, outsideConstraints } from '../ca/name-constraints.ts';
import { type CertificateRequest, type LeafProfile, requestProblems } from '../ca/profile.ts';

export interface Identity {
  readonly service: string;
  readonly zone: string;
  readonly profile: LeafProfile;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** How long its certificates live; the authority of its zone may end earlier. */
  readonly validForMs: number;
}

/** What the trust domain says about all of them. */
export interface TrustDomain {
  /** `example.org`. */
  readonly name: string;
  /** The O of every subject. */
  readonly organization: string;
  readonly zones: readonly Zone[];
}

export interface Zone {
  readonly name: string;
  readonly dnsDomains: readonly string[];
  readonly ipRanges: readonly string[];
}

/** No dots, so that OpenSSL never takes a common name for a host name. */
const SERVICE_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,55}[a-z0-9])?$/;

/** Why no certificate can be for it, for people; empty when one can. */
export function identityProblems(identity: Identity, trustDomain: TrustDomain): string[] {
  const { service } = identity;
  if (!SERVICE_NAME.test(service)) {
    return [`the service ${JSON.stringify(service)} is not a name of lower-case letters, digits and inner hyphens`];
  }
  const zone = trustDomain.zones.find(({ name }) => name === identity.zone);
  if (zone === undefined) {
    const known = trustDomain.zones.map(({ name }) => name).join(', ');
    return [`there is no zone ${JSON.stringify(identity.zone)}; the zones are ${known}`];
  }
  const request = certificateRequest(identity, trustDomain);
  const problems = requestProblems(request);
  if (problems.length > 0) return problems;
  return outsideConstraints(request, zoneConstraints(zone, trustDomain)).map(
    (name) => `the name ${JSON.stringify(name)} is not one of the zone ${zone.name}`,
  );
}

export function certificateRequest(identity: Identity, { name, organization }: TrustDomain): CertificateRequest {
  const { profile, service, dnsNames, ipAddresses, validForMs } = identity;
  const spiffeIds = [spiffeIdOf(identity, name)];
  return {
    profile,
    commonName: commonName(profile, service),
    organization,
    dnsNames,
    ipAddresses,
    spiffeIds,
    validForMs,
  };
}

export const spiffeIdOf = ({ zone, service }: Pick<Identity, 'zone' | 'service'>, trustDomain: string): string =>
  `spiffe://${trustDomain}/${zone}/${service}`;

export function zoneConstraints({ dnsDomains, ipRanges }: Zone, { name }: TrustDomain): NameConstraints {
  return { dnsDomains, ipRanges, trustDomains: [name] };
}

/** Its names as a request may repeat them: kind and value. */
export function namesOf(identity: Identity, trustDomain: string): ReadonlySet<string> {
  return new Set([
    ...identity.dnsNames.map((name) => nameKey('dns', name)),
    ...identity.ipAddresses.map((address) => nameKey('ip', address)),
    nameKey('uri', spiffeIdOf(identity, trustDomain)),
  ]);
}

/** One text for a name, so that two notations of an IPv6 address are one. */
export function nameKey(kind: string, value: string): string {
  const address =
    kind === 'ip' && isIPv6(value) ? new SocketAddress({ address: value, family: 'ipv6' }).address : value;
  return `${kind}:${address}`;
}

/** Policies of version 1 know clients as `<service>-client`. */
export function commonName(profile: LeafProfile, service: string): string {
  return profile === 'client' ? `${service}-client` : service;
}
