/** Starts the issuer: realms are compiled, keys loaded, then the listener opens. Any finding prevents the start. */
import type { Clock, DpopNonces, JwksSource, ReplayStore, Revocations } from '@sidegate/sdk';
import { type ListenerOptions, listen } from '../../net/listener.ts';
import { SubscriberLimits } from '../events/events-endpoint.ts';
import { openRealmEvents } from '../events/realm-events.ts';
import { memoryRevocationStore, type RevocationStore } from '../events/revocation-store.ts';
import type { Administrators } from './administration-endpoint.ts';
import type { ClientEvent } from './client-event.ts';
import type { ClientSecrets } from './client-secrets.ts';
import { type CompiledRealm, compileRealm } from './compile-realm.ts';
import { failureLimit } from './failure-limit.ts';
import { type Finding, IssuerRefused, refuseErrors } from './finding.ts';
import type { IssuedTokens } from './issued-tokens.ts';
import type { LoadedKeys } from './key-directory.ts';
import type { KeycloakRealm } from './keycloak-realm.ts';
import { ownKeys } from './own-keys.ts';
import type { FindOwnCertificate } from './peer-certificate.ts';
import type { Realm } from './realm.ts';
import { type RealmEndpoints, realmRoutes } from './realm-routes.ts';
import { type SecretDigest, secretDigest } from './secret-digest.ts';
import { type Routes, serve } from './serve.ts';
import type { Algorithms, KeyRing } from './signing-key.ts';
import type { TokenEvent } from './token-event.ts';
import { tokenIds } from './token-ids.ts';

export interface IssuerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** Absent: plain http, on a loopback host only. */
  readonly tls?: IssuerTls;
  /** What issuers start with: scheme, host and port as callers know them. */
  readonly publicUrl: string;
  readonly realms: readonly KeycloakRealm[];
  /** For realms that set no accessTokenLifespan. */
  readonly tokenLifetimeSeconds: number;
  readonly algorithms: Algorithms;
  /** The keys of a realm that stands. */
  readonly openKeys: (realm: string) => Promise<LoadedKeys>;
  /** Endpoints beside those of the realms. */
  readonly routes?: readonly Routes[];
  /** Client secrets beside those of the realms; absent: there are none. */
  readonly clientSecrets?: ClientSecrets;
  /** Remembers every token before it is answered; absent: nothing does. */
  readonly issued?: IssuedTokens;
  /** What was used once: assertions, proofs. */
  readonly replay: ReplayStore;
  /** Keys at a URL that a realm names. @throws TypeError when it is none for keys */
  readonly fetchKeys: (url: string) => JwksSource;
  /** Asked for in DPoP proofs; absent: proofs need none. */
  readonly nonces?: DpopNonces;
  /** JWT bundles by SPIFFE trust domain; absent: none is trusted. */
  readonly trustBundles?: ReadonlyMap<string, JwksSource>;
  /** The certificate authority of this process, whose certificates prove clients, too; absent: it has none. */
  readonly ownCertificates?: OwnCertificates;
  /** Who may revoke what others hold; absent: nobody. */
  readonly administrators?: Administrators;
  /** Where the revocations of a realm are kept; absent: in memory, until the process ends. */
  readonly revocationStore?: (realm: string) => Promise<RevocationStore>;
  readonly clock: Clock;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly log: (event: TokenEvent | ClientEvent) => void;
}

export interface OwnCertificates {
  readonly zones: ReadonlySet<string>;
  readonly find: FindOwnCertificate;
}

/** PEM texts. */
export interface IssuerTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities that sign client certificates. */
  readonly clientCa?: string;
}

export interface Issuer {
  /** Where it listens; its public URL may differ. */
  readonly url: string;
  readonly port: number;
  /** Findings that did not prevent the start. */
  readonly warnings: readonly Finding[];
  /** Finishes what is under way, then closes. */
  close(): Promise<void>;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;
const CLOSE_GRACE_MS = 2_000;
const FAILURE_LIMIT = { failures: 20, windowMs: 60_000, maxCallers: 10_000 } as const;
/** Of each realm. */
const MAX_REVOCATIONS = 1_000_000;
/** A sidecar with as many workers as it may have, twice while its certificate changes. */
const MAX_LISTENERS = { total: 4_096, perCertificate: 128 } as const;
const NO_ZONES: ReadonlySet<string> = new Set();
const NOBODY: Administrators = { clients: new Set(), spiffeIds: new Set() };
const LISTENER = {
  readTimeoutMs: 10_000,
  writeTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxHeaderBytes: 16 * 1024,
} as const;

/** @throws IssuerRefused with all findings */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { host, tls } = options;
  if (tls === undefined && !LOOPBACK.test(host)) throw refusedAddress(host, 'plain http is for loopback only; set tls');
  const { endpoints, warnings } = await openRealms(options);
  const listener = await listen(
    listenerOptions(options),
    serve([realmRoutes(endpoints), ...(options.routes ?? [])]),
  ).catch((error: NodeJS.ErrnoException) => {
    throw refusedAddress(`${host}:${options.port}`, `cannot listen (${error.code}); choose another address or port`);
  });
  const { port } = listener.address;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    warnings,
    close: async () => {
      for (const { events } of endpoints.values()) events.close();
      await listener.close(CLOSE_GRACE_MS);
    },
  };
}

async function openRealms(options: IssuerOptions) {
  const digest = secretDigest(options.random(32));
  const ringOf = (realm: string): KeyRing => ({
    current: (algorithm) => rings.get(realm)?.current(algorithm),
    published: () => rings.get(realm)?.published() ?? [],
  });
  // realms may take each other's tokens, and are compiled before any of them has its keys
  const rings = new Map<string, KeyRing>();
  const enabled = options.realms.filter(({ enabled }) => enabled !== false);
  const sources = new Map(enabled.map(({ realm }) => [realm, ownKeys(ringOf(realm))]));
  const parts = {
    digest,
    clientCertificates: options.tls?.clientCa !== undefined || canBeOwn(options),
    zones: options.ownCertificates?.zones ?? NO_ZONES,
    storedSecrets: options.clientSecrets !== undefined,
    trustBundle: (trustDomain: string) => options.trustBundles?.get(trustDomain),
    realmKeys: (name: string) => sources.get(name),
  };
  const compiled = options.realms.map((realm) => compileRealm(realm, { ...options, ...parts }));
  const findings = [...compiled.flatMap(inRealm), ...duplicates(options.realms)];
  // keys only for realms that stand: their names become names of files
  refuseErrors(findings);
  const opened = await Promise.all(
    compiled
      .filter((_, index) => options.realms[index]?.enabled !== false)
      .map(async ({ realm }) => ({
        realm,
        ...(await options.openKeys(realm.name)),
      })),
  );
  refuseErrors([...findings, ...opened.flatMap(({ findings }) => findings)]);
  for (const { realm, keys } of opened) rings.set(realm.name, keys);
  const endpoints = await openEndpoints(opened, { digest, options });
  return { endpoints, warnings: findings };
}

interface OpenedRealm {
  readonly realm: Realm;
  readonly keys: KeyRing;
}

async function openEndpoints(
  opened: readonly OpenedRealm[],
  { digest, options }: { readonly digest: SecretDigest; readonly options: IssuerOptions },
): Promise<ReadonlyMap<string, RealmEndpoints>> {
  const { clock, log, replay, issued, clientSecrets: secrets, nonces, administrators = NOBODY } = options;
  const failures = failureLimit(FAILURE_LIMIT);
  const listeners = new SubscriberLimits(MAX_LISTENERS);
  const newTokenId = tokenIds(options);
  const revocations = new Map<string, Revocations>();
  const revocationsOf = (issuer: string) => revocations.get(issuer);
  const endpoints = new Map<string, RealmEndpoints>();
  const certificates = {
    verifiedByListener: options.tls?.clientCa !== undefined,
    findOwn: options.ownCertificates?.find,
  };
  for (const { realm, keys } of opened) {
    const events = await openRealmEvents({
      issuer: realm.issuer,
      keys,
      store: (await options.revocationStore?.(realm.name)) ?? memoryRevocationStore(),
      maxRevocations: MAX_REVOCATIONS,
      clock,
      onChange: (failure) => log(storeEvent(realm.name, failure)),
    });
    revocations.set(realm.issuer, events.journal.revocations);
    const shared = { digest, secrets, replay, issued, failures, clock, nonces, revocationsOf, newTokenId, log };
    const token = { realm, keys, events, ...shared };
    const everywhere = () => [...endpoints.values()];
    const around = { ownKeys: ownKeys(keys), administrators, everywhere, listeners, certificates };
    endpoints.set(realm.name, { ...token, token, ...around });
  }
  return endpoints;
}

/** A certificate can only be shown where there is TLS. */
const canBeOwn = ({ tls, ownCertificates }: IssuerOptions): boolean =>
  tls !== undefined && ownCertificates !== undefined;

function storeEvent(realm: string, failure: Error | undefined): ClientEvent {
  const known = { event: 'revocation', realm, remote_address: undefined } as const;
  if (failure === undefined) return { ...known, decision: 'followed' };
  return { ...known, decision: 'refused', error: 'server_error', reason: `the store fails: ${failure.message}` };
}

function inRealm({ findings }: CompiledRealm, realm: number): Finding[] {
  return findings.map(({ path, ...finding }) => ({ ...finding, where: { realm, path } }));
}

function duplicates(realms: readonly KeycloakRealm[]): Finding[] {
  const names = realms.map(({ realm }) => realm);
  return names.flatMap((name, realm) => {
    const message = 'another file defines this realm too';
    return names.indexOf(name) === realm ? [] : [{ where: { realm, path: ['realm'] }, severity: 'error', message }];
  });
}

function refusedAddress(address: string, message: string): IssuerRefused {
  return new IssuerRefused([{ where: { address }, severity: 'error', message }]);
}

function listenerOptions({ host, port, tls }: IssuerOptions): ListenerOptions {
  if (tls === undefined) return { ...LISTENER, host, port };
  return { ...LISTENER, host, port, tls: { ...tls, clientAuth: 'request' } };
}
