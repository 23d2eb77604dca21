/** Starts the issuer: realms are compiled, keys loaded, then the listener opens. Any finding prevents the start. */
import type { Clock } from '@sidegate/sdk';
import { type ListenerOptions, listen } from '../../net/listener.ts';
import { compileRealm } from './compile-realm.ts';
import { failureLimit } from './failure-limit.ts';
import { type Finding, RealmError } from './finding.ts';
import { loadSigningKeys } from './key-directory.ts';
import type { KeycloakRealm } from './keycloak-realm.ts';
import { secretDigest } from './secret-digest.ts';
import { serve } from './serve.ts';
import type { Algorithms } from './signing-key.ts';
import type { TokenEndpoint } from './token-endpoint.ts';
import type { TokenEvent } from './token-event.ts';

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
  /** Keeps signing keys over restarts; absent: new keys at every start. */
  readonly keyDirectory?: string;
  readonly clock: Clock;
  /** Cryptographically strong bytes. */
  readonly random: (bytes: number) => Buffer;
  readonly log: (event: TokenEvent) => void;
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
const LISTENER = { readTimeoutMs: 10_000, idleTimeoutMs: 60_000, maxHeaderBytes: 16 * 1024 } as const;

/** @throws RealmError with the findings of all realms */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  if (options.tls === undefined && !LOOPBACK.test(options.host)) {
    throw new Error(`plain http is for loopback addresses only, not for ${options.host}`);
  }
  const { endpoints, warnings } = await openRealms(options);
  const listener = await listen(listenerOptions(options), serve(endpoints));
  const { port } = listener.address;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    warnings,
    close: () => listener.close(CLOSE_GRACE_MS),
  };
}

async function openRealms(options: IssuerOptions) {
  const digest = secretDigest(options.random(32));
  const clientCertificates = options.tls?.clientCa !== undefined;
  const compiled = options.realms
    .filter(({ enabled }) => enabled !== false)
    .map((realm) => compileRealm(realm, { ...options, digest, clientCertificates }));
  const findings = [...compiled.flatMap(({ findings }) => findings), ...duplicates(options.realms)];
  if (findings.some(({ severity }) => severity === 'error')) throw new RealmError(findings);

  const failures = failureLimit(FAILURE_LIMIT);
  const open = async (realm: TokenEndpoint['realm']): Promise<[string, TokenEndpoint]> => {
    const keys = await loadSigningKeys(realm.name, options.algorithms, options.keyDirectory);
    const newTokenId = () => options.random(16).toString('base64url');
    return [realm.name, { realm, keys, digest, failures, newTokenId, clock: options.clock, log: options.log }];
  };
  return { endpoints: new Map(await Promise.all(compiled.map(({ realm }) => open(realm)))), warnings: findings };
}

function duplicates(realms: readonly KeycloakRealm[]): Finding[] {
  const names = realms.map(({ realm }) => realm);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((realm) => ({ realm, path: ['realm'], severity: 'error', message: 'another file defines this realm too' }));
}

function listenerOptions({ host, port, tls }: IssuerOptions): ListenerOptions {
  if (tls === undefined) return { ...LISTENER, host, port };
  return { ...LISTENER, host, port, tls: { ...tls, clientAuth: 'request' } };
}
