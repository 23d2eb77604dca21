/** A trust domain with a Workload API on a socket: a certificate authority, a key ring, registration entries that a test changes. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Issuer, issueAuthority, issueBelow } from '../../packages/sidegate/src/authority/ca/issue.ts';
import { type KeyRing, signingKey } from '../../packages/sidegate/src/authority/issuer/signing-key.ts';
import type { WorkloadEvent } from '../../packages/sidegate/src/authority/workload-api/event.ts';
import type { SvidIssuer, TrustBundles } from '../../packages/sidegate/src/authority/workload-api/ports.ts';
import {
  compileRegistrations,
  type RegistrationEntry,
  type RegistrationText,
} from '../../packages/sidegate/src/authority/workload-api/registration.ts';
import {
  serveWorkloadApi,
  type WorkloadApiServerOptions,
} from '../../packages/sidegate/src/authority/workload-api/server.ts';

export const TRUST_DOMAIN = 'example.org';

export const CLOCK = { now: () => Date.now(), monotonic: () => performance.now() };

export const SCHEDULE = (delayMs: number, task: () => void): (() => void) => {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
};

export interface WorkloadAuthority extends AsyncDisposable {
  /** `unix:///…` */
  readonly socket: string;
  readonly path: string;
  readonly events: WorkloadEvent[];
  /** Replaces the registration entries. */
  register(...entries: readonly Partial<RegistrationText>[]): void;
  /** Another authority signs from now on, and the bundle has both. */
  rotateAuthority(): Promise<void>;
  /** PEM of the authorities. */
  bundle(): string;
  /** The keys that sign its JWT-SVIDs, as JWKs. */
  jwtKeys(): readonly object[];
  /** Another key signs tokens from now on, and the bundle has both. */
  rotateKey(): void;
  /** DER: its revocation lists from now on. */
  publishLists(...crl: readonly Buffer[]): void;
  /** The one that signs now. */
  signing(): Issuer;
  /** DER: the X.509 authorities of another trust domain; none: it federates with it no longer. */
  trust(trustDomain: string, ...authorities: readonly Buffer[]): void;
  /** Whoever has it gets nothing more. */
  revoke(spiffeId: string): void;
  /** The JWT bundle of another trust domain; undefined: it federates with it no longer. */
  federate(trustDomain: string, jwks: Buffer | undefined): void;
}

/** @param entries those of its workloads; by default this process is `/zone2/order-service` */
export async function startWorkloadAuthority(
  options: Pick<WorkloadApiServerOptions, 'attestPeer'> & Partial<WorkloadApiServerOptions>,
): Promise<WorkloadAuthority> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-workload-'));
  const socketPath = options.path ?? path.join(folder, 'api.sock');
  const authorities: Issuer[] = [await makeAuthority()];
  const keys = [newKey()];
  const listeners = new Set<() => void>();
  const subscribe = (told: () => void): (() => void) => {
    listeners.add(told);
    return () => void listeners.delete(told);
  };
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  let lists: readonly Buffer[] = [];
  const taken = new Set<string>();
  const federated = new Map<string, Buffer>();
  const trusted = new Map<string, readonly Buffer[]>();
  const certificates = () => authorities.map(({ certificate }) => certificate);
  const bundles: TrustBundles = {
    trustDomain: TRUST_DOMAIN,
    x509: () => new Map([[TRUST_DOMAIN, certificates().map(({ raw }) => raw)], ...trusted]),
    jwt: () =>
      new Map([
        [TRUST_DOMAIN, Buffer.from(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }))],
        ...federated,
      ]),
    crl: () => lists,
    subscribe,
  };
  const ring: KeyRing = { current: () => keys[0], published: () => keys.map(({ publicJwk }) => publicJwk) };
  const events: WorkloadEvent[] = [];
  let entries: readonly RegistrationEntry[] = [];
  const register: WorkloadAuthority['register'] = (...texts) => {
    const compiled = compileRegistrations(texts.map(registration), TRUST_DOMAIN);
    if (compiled.findings.length > 0) throw new Error(JSON.stringify(compiled.findings));
    entries = compiled.entries;
    changed();
  };
  register({});
  const server = await serveWorkloadApi({
    path: socketPath,
    mode: 0o600,
    entries: () => entries,
    entriesChanged: subscribe,
    issuer: issuerOf(() => authorities[0] as Issuer),
    bundles,
    revoked: { isRevoked: async ({ uri }) => taken.has(uri), subscribe },
    keys: ring,
    clock: CLOCK,
    schedule: SCHEDULE,
    log: (event) => events.push(event),
    ...options,
  });
  return {
    socket: `unix://${socketPath}`,
    path: socketPath,
    events,
    register,
    async rotateAuthority() {
      authorities.unshift(await makeAuthority());
      changed();
    },
    jwtKeys: () => keys.map(({ publicJwk }) => publicJwk),
    bundle: () => certificates().map(String).join(''),
    rotateKey() {
      keys.unshift(newKey());
      changed();
    },
    federate(trustDomain, jwks) {
      if (jwks === undefined) federated.delete(trustDomain);
      else federated.set(trustDomain, jwks);
      changed();
    },
    signing: () => authorities[0] as Issuer,
    trust(trustDomain, ...others) {
      if (others.length === 0) trusted.delete(trustDomain);
      else trusted.set(trustDomain, others);
      changed();
    },
    publishLists(...crl) {
      lists = crl;
      changed();
    },
    revoke(spiffeId) {
      taken.add(spiffeId);
      changed();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whoever asks is a process of this user, as {@link registration} wants it. */
export const attestSameUser = async () => ({
  pid: 1,
  selectors: new Set([`unix:uid:${process.getuid?.() ?? 0}`]),
  isAlive: () => true,
});

export function registration(changes: Partial<RegistrationText>): RegistrationText {
  return {
    spiffeId: `spiffe://${TRUST_DOMAIN}/zone2/order-service`,
    selectors: [`unix:uid:${process.getuid?.() ?? 0}`],
    x509TtlMs: 3_600_000,
    jwtTtlMs: 300_000,
    dnsNames: [],
    hint: '',
    ...changes,
  };
}

function newKey() {
  return signingKey('ES256', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
}

function issuerOf(current: () => Issuer): SvidIssuer {
  return {
    async issue({ id, privateKey, dnsNames, validForMs }) {
      const names = { dnsNames, ipAddresses: [], spiffeIds: [id.uri] };
      const request = {
        profile: 'svid',
        commonName: 'workload',
        organization: 'Example',
        ...names,
        validForMs,
      } as const;
      const leaf = await issueBelow(request, privateKey, current(), Date.now());
      return { chain: [leaf.raw], notAfter: leaf.validToDate.getTime() };
    },
  };
}

async function makeAuthority(): Promise<Issuer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const request = { profile: 'zone-ca', commonName: 'zone2-CA', organization: 'Example' } as const;
  const names = { dnsNames: [], ipAddresses: [], spiffeIds: [], validForMs: 86_400_000 };
  const certificate = await issueAuthority({ ...request, ...names }, privateKey, Date.now());
  return { certificate, privateKey };
}
