/**
 * Which certificates a set of zones needs, as pure data, and under which names: the one place that says what a
 * file is called, what its subject is and who signs it. Issuing (tree.ts) and verifying (verify.ts) both read it.
 */

import { join } from 'node:path/posix';
import type { KeyAlgorithm } from './key-algorithm.ts';
import { type CertificateRequest, requestProblems } from './profile.ts';

export interface PkiPlan {
  readonly organization: string;
  /** The SPIFFE trust domain, `example.org`. */
  readonly trustDomain: string;
  /** Of the authorities; a leaf's key follows from it. */
  readonly keyAlgorithm: KeyAlgorithm;
  readonly validForMs: number;
  /** One authority each. */
  readonly zones: readonly string[];
  readonly services: readonly PlannedService[];
  /** Authorities beside the zones, with one server each: the identity provider. */
  readonly extraAuthorities: readonly PlannedAuthority[];
}

export interface PlannedService {
  /** Below the certificates directory: `gateway`. */
  readonly directory: string;
  /** `api-gateway`. */
  readonly name: string;
  readonly zone: string;
  /** DNS names that the service is reached under; the first one is the certificate's subject. */
  readonly hosts: Hosts;
  /** Addresses beside loopback's that the service is reached under without a name. */
  readonly addresses: readonly string[];
  /** Zones the service calls: a client certificate for each, signed by that zone's authority. */
  readonly callsZones: readonly string[];
}

/** At least one. */
type Hosts = readonly [string, ...string[]];

interface PlannedAuthority {
  /** Also the server's directory: `keycloak` makes `ca/keycloak-ca.crt` and `keycloak/server.crt`. */
  readonly name: string;
  readonly hosts: Hosts;
  readonly addresses: readonly string[];
}

/** One certificate and its key: `<path>.crt` and `<path>.key` below the certificates directory. */
export interface PlannedCertificate {
  readonly path: string;
  readonly request: CertificateRequest;
}

/** An authority and every leaf that it signs. */
export interface PlannedBranch {
  readonly authority: PlannedCertificate;
  readonly leaves: readonly PlannedCertificate[];
}

export const AUTHORITY_DIRECTORY = 'ca';

/** The path of a zone's authority. */
export const authorityPath = (zone: string): string => join(AUTHORITY_DIRECTORY, `${zone}-ca`);

/** Every certificate of the plan, each below the authority that signs it. */
export function plannedBranches(plan: PkiPlan): readonly PlannedBranch[] {
  const zones = plan.zones.map((zone) => ({
    authority: authority(plan, zone),
    leaves: plan.services.flatMap((service) => [
      ...(service.zone === zone ? [serverOf(plan, service)] : []),
      ...(service.callsZones.includes(zone) ? [clientOf(plan, service, zone)] : []),
    ]),
  }));
  const extras = plan.extraAuthorities.map(({ name, hosts, addresses }) => ({
    authority: authority(plan, name),
    leaves: [{ path: join(name, 'server'), request: serverRequest(plan, hosts, addresses) }],
  }));
  return [...zones, ...extras];
}

/** Everything that is wrong with a plan, for people; empty when it can be carried out. */
export function planProblems(plan: PkiPlan): string[] {
  const directories = [...plan.services.map(({ directory }) => directory), ...plan.extraAuthorities.map((a) => a.name)];
  const problems = [
    ...repeated(plan.services.map(({ name }) => name)).map(
      (name) => `two services share the name ${JSON.stringify(name)}, so nobody could tell them apart`,
    ),
    ...repeated(directories).map((name) => `two services share the directory ${JSON.stringify(name)}`),
    ...repeated([...plan.zones, ...plan.extraAuthorities.map((a) => a.name)]).map(
      (name) => `two authorities share the name ${JSON.stringify(name)}`,
    ),
    ...[...plan.zones, ...directories].filter((name) => !FILE_NAME.test(name)).map(notAFileName),
    ...directories
      .filter((name) => name === AUTHORITY_DIRECTORY)
      .map((name) => `the directory ${JSON.stringify(name)} belongs to the authorities`),
  ];
  for (const service of plan.services) {
    for (const zone of [service.zone, ...service.callsZones].filter((name) => !plan.zones.includes(name))) {
      problems.push(`${service.name} names the zone ${JSON.stringify(zone)}, which is not one of the plan`);
    }
  }
  for (const { path, request } of plannedBranches(plan).flatMap(({ authority, leaves }) => [authority, ...leaves])) {
    problems.push(...requestProblems(request).map((problem) => `${path}: ${problem}`));
  }
  return problems;
}

/** Lower case, so that no file system takes two names for one. */
const FILE_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;

const notAFileName = (name: string): string =>
  `${JSON.stringify(name)} is not a name of lower-case letters, digits and inner hyphens or underscores`;

function authority(plan: PkiPlan, name: string): PlannedCertificate {
  return { path: authorityPath(name), request: request(plan, 'zone-ca', `${name}-CA`) };
}

function serverOf(plan: PkiPlan, service: PlannedService): PlannedCertificate {
  const names = serverRequest(plan, [...service.hosts, service.name], service.addresses);
  return { path: join(service.directory, 'server'), request: { ...names, spiffeIds: [spiffeId(plan, service)] } };
}

/** Signed by the zone that is called, but its identity is the caller's, in the caller's own zone. */
function clientOf(plan: PkiPlan, service: PlannedService, calledZone: string): PlannedCertificate {
  return {
    path: join(service.directory, `client-${calledZone}`),
    request: { ...request(plan, 'client', `${service.name}-client`), spiffeIds: [spiffeId(plan, service)] },
  };
}

const spiffeId = (plan: PkiPlan, { zone, name }: PlannedService): string =>
  `spiffe://${plan.trustDomain}/${zone}/${name}`;

function serverRequest(plan: PkiPlan, hosts: Hosts, addresses: readonly string[]): CertificateRequest {
  return {
    ...request(plan, 'server', hosts[0]),
    dnsNames: [...new Set([...hosts, 'localhost'])],
    ipAddresses: [...new Set(['127.0.0.1', '::1', ...addresses])],
  };
}

function request(plan: PkiPlan, profile: CertificateRequest['profile'], commonName: string): CertificateRequest {
  const { organization, validForMs } = plan;
  return { profile, commonName, organization, validForMs, dnsNames: [], ipAddresses: [], spiffeIds: [] };
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
