/** `ca` of an authority's configuration → the certificate authority over its store, and its endpoints. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { HttpClient } from '@sidegate/sdk';
import { type CertificateAuthority, createCertificateAuthority } from '../authority/enrolment/certificate-authority.ts';
import { sweepCertificates } from '../authority/enrolment/certificates.ts';
import { enrolmentRoutes } from '../authority/enrolment/enrolment-routes.ts';
import { createFederation, type Federation } from '../authority/enrolment/federation.ts';
import type { TrustDomain } from '../authority/enrolment/identity.ts';
import { findOwnCertificate } from '../authority/enrolment/own-certificates.ts';
import { createRevocationLists, type RevocationLists } from '../authority/enrolment/revocation-lists.ts';
import { establishAuthorities, signWithNewZones } from '../authority/enrolment/rotation.ts';
import type { Routes } from '../authority/issuer/serve.ts';
import type { OwnCertificates } from '../authority/issuer/start.ts';
import { CannotOpen } from '../authority/keys/sealing.ts';
import type { Chore } from '../authority/upkeep.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { OpenedStore } from './open-store.ts';
import { printEvent } from './print-event.ts';
import { StartRefused } from './start-finding.ts';

type Settings = NonNullable<AuthorityConfig['ca']>;

export interface AssembledCa {
  readonly ca: CertificateAuthority;
  readonly lists: RevocationLists;
  /** SPIFFE bundles of others, by trust domain; those that were ever good. */
  readonly federated: () => ReadonlyMap<string, Buffer>;
  readonly routes: Routes;
  /** Its certificates prove clients. */
  readonly certificates: OwnCertificates;
  readonly chores: readonly Chore[];
}

/** What the commands and the process share. */
export function certificateAuthorityOf(settings: Settings, { database, sealing }: OpenedStore): CertificateAuthority {
  return createCertificateAuthority({
    database,
    sealing,
    clock: { now: () => Date.now() },
    random: randomBytes,
    trustDomain: trustDomainOf(settings),
    authorities: {
      keyAlgorithm: settings.key_algorithm,
      rootValidForMs: settings.root_valid_for,
      intermediateValidForMs: settings.intermediate_valid_for,
    },
    bundleRefreshHintSeconds: Math.ceil(settings.bundle_refresh_hint / 1000),
  });
}

const SWEEP_MS = 60_000;
const ZONES_MS = 1_000;
/** Workloads have new lists from the Workload API by then; they say nothing of it. */
const PUSHED_MS = 5_000;

export interface CaSurroundings {
  /** Those that sign JWT-SVIDs; none: nothing does. */
  readonly jwtKeys: () => readonly object[];
  /** Ends what is opened here. */
  readonly parts: AsyncDisposableStack;
}

/**
 * Authorities that are missing are made.
 *
 * @throws StartRefused
 */
export async function assembleCa(
  settings: Settings,
  store: OpenedStore,
  { jwtKeys, parts }: CaSurroundings,
): Promise<AssembledCa> {
  const ca = certificateAuthorityOf(settings, store);
  try {
    await establishAuthorities(ca);
    for (const authority of (await ca.bundle()).signing) ca.issuerOf(authority);
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    const hint = 'name the old key as signing.previous_encryption_key';
    throw new StartRefused([{ file: 'ca', severity: 'error', message: error.message, hint }]);
  }
  const http = createHttpClient({ connectTo: new Map() });
  parts.defer(() => http.close());
  const federation = federationOf(settings, http.send);
  const refresh = async (): Promise<void> => {
    for (const problem of await federation.refresh()) printEvent({ event: 'federation', problem }, 'warn');
  };
  await refresh();
  const federated = (): ReadonlyMap<string, Buffer> =>
    new Map(
      Object.keys(settings.federation).flatMap((trustDomain) => {
        const bundle = federation.bundle(trustDomain);
        return bundle === undefined ? [] : [[trustDomain, bundle] as const];
      }),
    );
  const lists = createRevocationLists(ca, settings.crl_valid_for);
  return {
    ca,
    lists,
    federated,
    certificates: {
      zones: new Set(Object.keys(settings.zones)),
      find: findOwnCertificate(store.database, { now: () => Date.now() }),
    },
    routes: enrolmentRoutes({
      ca,
      lists,
      jwtKeys,
      federated,
      log: (event) => printEvent(event, event.decision === 'refused' ? 'warn' : 'info'),
    }),
    chores: [
      { name: 'certificates', everyMs: SWEEP_MS, run: () => sweepCertificates(store.database, Date.now()) },
      { name: 'zones', everyMs: ZONES_MS, run: async () => void (await signWithNewZones(ca, PUSHED_MS)) },
      { name: 'federation', everyMs: settings.bundle_refresh_hint, run: refresh },
    ],
  };
}

function trustDomainOf({ trust_domain: name, organization, zones }: Settings): TrustDomain {
  return {
    name,
    organization,
    zones: Object.entries(zones).map(([zone, { dns_domains: dnsDomains, ip_ranges: ipRanges }]) => ({
      name: zone,
      dnsDomains,
      ipRanges,
    })),
  };
}

const FETCH = {
  method: 'GET',
  headers: { accept: 'application/json' },
  timeoutMs: 10_000,
  maxBytes: 256 * 1024,
} as const;

function federationOf({ federation }: Settings, fetch: HttpClient): Federation {
  return createFederation(
    Object.entries(federation).map(([trustDomain, { bundle_file: file, bundle_url: url = '' }]) => ({
      trustDomain,
      read: async () => {
        if (file !== undefined) return readFile(file);
        const { status, body } = await fetch({ ...FETCH, url });
        if (status !== 200) throw new Error(`${url} answered ${status}`);
        return body;
      },
    })),
  );
}
