/** `workload_api` or `authority` → the identity that is shown, and the authorities that are trusted, wherever `source` says so. */
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import type { AccessToken } from '@sidegate/sdk';
import type { JwtBundles, Watched, WorkloadApi, X509Context } from '@sidegate/sdk/workload-api';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { IDENTITY_FILES } from '../identity/identity-directory.ts';
import { loadIdentityState } from '../identity/identity-state.ts';
import { type KeyPair, loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import { loadRevocationLists } from '../identity/revocation-lists.ts';
import { trustDomainIn } from '../net/workload-certificate.ts';
import { type Assembly, take } from './assembly.ts';
import { missingPackages } from './missing-packages.ts';

export interface WorkloadIdentity {
  readonly pair: KeyPair;
  readonly trustDomain: string;
  /** PEM: the authorities of its own trust domain. Those of others would vouch for its workloads, too. */
  readonly bundle: string;
  /** Its number at the authority; undefined: it has none. */
  readonly bundleSequence?: number;
  /** PEM: those of other trust domains, by their names. Whom they may speak for, the configuration says. */
  readonly federated: ReadonlyMap<string, string>;
  /** PEM texts; undefined: its source has none. */
  readonly revocationLists?: readonly string[] | undefined;
  /**
   * From the cache while it is fresh; undefined: its source gives certificates only.
   *
   * @throws Problem `idp_unavailable`, `idp_bad_response`, at once or as a rejection
   */
  readonly jwtSvid?: (audiences: readonly string[]) => AccessToken | Promise<AccessToken>;
  /** Keys of JWT-SVIDs by trust domain, as its source has them now; undefined: it has none. */
  readonly jwtBundles?: Watched<JwtBundles>;
}

/** What outlives a configuration. */
interface Source {
  readonly api: WorkloadApi;
  readonly watched: Watched<X509Context>;
  /** What the latest configuration was assembled with. */
  inUse: X509Context | undefined;
}

const FILE = 'workload_api';
const PACKAGES = ['@grpc/grpc-js', '@bufbuild/protobuf'];

/** Undefined where nothing asks for one, or after its finding was noted. */
export async function assembleIdentity(
  { workload_api: settings, authority, jwt }: SidecarConfig,
  assembly: Omit<Assembly, 'identity'>,
): Promise<WorkloadIdentity | undefined> {
  if (authority !== undefined) return enrolledIdentity(authority.directory, assembly);
  if (settings === undefined) return undefined;
  const { findings, schedule } = assembly;
  const refuse = (message: string, hint: string): undefined => {
    findings.push({ file: FILE, severity: 'error', message, hint });
  };
  const missing = missingPackages(FILE, PACKAGES);
  if (missing !== undefined) {
    findings.push(missing);
    return undefined;
  }
  const source = await openSource(settings.socket, assembly);
  const { watched } = source;
  const timeout = new Promise<undefined>((resolve) => schedule(settings.timeout, () => resolve(undefined)));
  const context = watched.current() ?? (await Promise.race([watched.first(), timeout]));
  if (context === undefined) {
    return refuse(`no identity within ${settings.timeout} ms: ${watched.failure()}`, 'is this workload registered?');
  }
  source.inUse = context;
  const { svids, bundles, crl } = context;
  const svid = settings.hint === undefined ? svids[0] : svids.find(({ hint }) => hint === settings.hint);
  const bundle = svid === undefined ? undefined : bundles.get(svid.id.trustDomain);
  if (svid === undefined || bundle === undefined) {
    const hints = svids.map(({ hint }) => hint || 'none').join(', ');
    return refuse('no identity has this hint', `the hints are ${hints}`);
  }
  const { api } = source;
  const { socket } = settings;
  return {
    ...(jwt.trust_domains.some(({ source: from }) => from === 'workload_api')
      ? { jwtBundles: watchJwtBundles(socket, api, assembly) }
      : {}),
    pair: { cert: svid.cert, key: svid.key },
    trustDomain: svid.id.trustDomain,
    bundle,
    federated: new Map([...bundles].filter(([name]) => name !== svid.id.trustDomain)),
    // One that gives none has none to be looked at.
    ...(crl.length === 0 ? {} : { revocationLists: crl }),
    jwtSvid: (audiences) => api.jwtSvid(audiences, svid.id),
  };
}

function watchJwtBundles(
  socket: string,
  api: WorkloadApi,
  { components, logger }: Omit<Assembly, 'identity'>,
): Watched<JwtBundles> {
  return components.take('jwt bundles', { socket }, () => {
    const watched = api.watchJwtBundles();
    watched.subscribe(() => {
      const failure = watched.failure();
      if (failure !== undefined) logger.warn({ reason: failure }, 'the Workload API gives no new JWT bundles');
    });
    return { value: watched, close: () => watched.close() };
  });
}

/** What is kept in its directory: files, which are read and looked at like all others. */
function enrolledIdentity(directory: string, assembly: Omit<Assembly, 'identity'>): WorkloadIdentity | undefined {
  const { readFile } = assembly;
  const file = (name: keyof typeof IDENTITY_FILES): string => path.join(directory, IDENTITY_FILES[name]);
  // First: should the others be newer, it tells of an older bundle than there is, and never of one that is not there.
  const state = take(loadIdentityState(file('state'), readFile), assembly);
  const pair = take(loadKeyPair(file('chain'), file('key'), readFile), assembly);
  const bundle = take(loadCertificates(file('bundle'), readFile), assembly);
  const revocationLists = take(loadRevocationLists(file('revocationLists'), readFile), assembly);
  if (state === undefined || pair === undefined || bundle === undefined) return undefined;
  const { sequence, federated } = state;
  const trustDomain = trustDomainIn(new X509Certificate(pair.cert).raw) ?? '';
  const trust = { bundle, bundleSequence: sequence, federated: new Map(Object.entries(federated)), revocationLists };
  return { pair, trustDomain, ...trust };
}

/** The library is loaded only for those who need it. */
async function openSource(socket: string, assembly: Omit<Assembly, 'identity'>): Promise<Source> {
  const { clock, schedule, random, logger, identityChanged, components } = assembly;
  const { workloadApi } = await import('@sidegate/sdk/workload-api');
  return components.take('workload_api', { socket }, () => {
    const api = workloadApi({ socket, clock, schedule, random });
    const source: Source = { api, watched: api.watchX509(), inUse: undefined };
    source.watched.subscribe(() => {
      const failure = source.watched.failure();
      if (failure !== undefined) logger.warn({ reason: failure }, 'the Workload API gives no new identity');
      else if (source.inUse !== undefined && source.watched.current() !== source.inUse) identityChanged?.();
    });
    return { value: source, close: () => api.close() };
  });
}
