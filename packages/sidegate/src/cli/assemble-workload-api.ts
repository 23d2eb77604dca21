/** `workload_api` of an authority's configuration → its socket, and what keeps its bundles up to date. */
import { existsSync, readFileSync } from 'node:fs';
import {
  type Clock,
  createFetchedJwks,
  createPushedJwks,
  createTokenVerifier,
  httpJwksLoader,
  type JwksSource,
  type Schedule,
} from '@sidegate/sdk';
import type { CertificateAuthority } from '../authority/enrolment/certificate-authority.ts';
import type { RevocationLists } from '../authority/enrolment/revocation-lists.ts';
import { recordJwtKeys } from '../authority/enrolment/trust-bundle.ts';
import type { KeyRing } from '../authority/issuer/signing-key.ts';
import type { Chore } from '../authority/upkeep.ts';
import { enrolledIssuer, enrolmentProblems } from '../authority/workload-api/enrolled-issuer.ts';
import { type AttestToken, kubernetesAttestor } from '../authority/workload-api/kubernetes-attestor.ts';
import { PERL, perlCredentials } from '../authority/workload-api/peer-credentials.ts';
import { compileRegistrations, type RegistrationEntry } from '../authority/workload-api/registration.ts';
import { storedBundles } from '../authority/workload-api/stored-bundles.ts';
import { storedRevokedWorkloads } from '../authority/workload-api/stored-revocations.ts';
import { unixAttestor } from '../authority/workload-api/unix-attestor.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { createHttpClient } from '../net/http-client.ts';
import { missingPackages } from './missing-packages.ts';
import { printEvent } from './print-event.ts';
import { type StartFinding, StartRefused } from './start-finding.ts';

type Settings = NonNullable<AuthorityConfig['workload_api']>;

export interface WorkloadApiParts {
  readonly ca: CertificateAuthority;
  readonly lists: RevocationLists;
  /** SPIFFE bundles of others. */
  readonly federated: () => ReadonlyMap<string, Buffer>;
  /** Signs JWT-SVIDs, and nothing else. */
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Ends what is opened here. */
  readonly parts: AsyncDisposableStack;
}

/** The ring of its keys beside those of the realms: a JWT-SVID never verifies as a token of a realm. */
export const svidRing = (trustDomain: string): string => `spiffe://${trustDomain}`;

const FILE = 'workload_api';
const PACKAGES = ['@grpc/grpc-js', '@bufbuild/protobuf'];
const REFRESH_MS = 2_000;
const MAX_SERVICE_ACCOUNT_TOKEN_SECONDS = 86_400;

/** @throws StartRefused */
export async function assembleWorkloadApi(settings: Settings, given: WorkloadApiParts): Promise<readonly Chore[]> {
  const { ca, lists, federated, keys, clock, schedule, parts } = given;
  const missing = missingPackages(FILE, PACKAGES);
  if (missing !== undefined) throw new StartRefused([missing]);
  if (!existsSync(PERL)) throw refused(`needs ${PERL}, which asks the kernel who a workload is`, 'install perl');
  const entries = compileEntries(settings, ca);
  const bundles = storedBundles({ ca, keys, lists, federated });
  const revoked = storedRevokedWorkloads(ca.options.database, clock);
  const refresh = async (): Promise<void> => {
    await recordJwtKeys(ca.options.database, keys.published(), clock.now());
    await bundles.refresh();
    await revoked.refresh();
  };
  await refresh();
  const { serveWorkloadApi } = await import('../authority/workload-api/server.ts');
  const server = await serveWorkloadApi({
    path: settings.socket,
    mode: settings.mode,
    attestPeer: unixAttestor(perlCredentials()),
    attestToken: attestToken(settings, given),
    entries: () => entries,
    // Of a configuration that is read once.
    entriesChanged: () => () => undefined,
    issuer: enrolledIssuer(ca),
    bundles,
    revoked,
    keys,
    clock,
    schedule,
    log: (event) => printEvent(event, event.event === 'workload_refused' ? 'warn' : 'info'),
  }).catch((error: Error) => {
    throw refused(`cannot listen: ${error.message}`, 'choose another socket');
  });
  parts.use(server);
  printEvent({ event: 'workload_api_listening', socket: server.path });
  return [{ name: 'workload bundles', everyMs: REFRESH_MS, run: refresh }];
}

function compileEntries({ entries }: Settings, ca: CertificateAuthority): readonly RegistrationEntry[] {
  const texts = entries.map((entry) => ({
    spiffeId: entry.spiffe_id,
    selectors: entry.selectors,
    x509TtlMs: entry.x509_ttl,
    jwtTtlMs: entry.jwt_ttl,
    dnsNames: entry.dns_names,
    hint: entry.hint,
  }));
  const compiled = compileRegistrations(texts, ca.options.trustDomain.name);
  const problems = [
    ...compiled.findings,
    ...(compiled.findings.length > 0 ? [] : compiled.entries).flatMap((entry, index) =>
      enrolmentProblems(entry, ca).map((message) => ({ index, message })),
    ),
  ];
  if (problems.length === 0) return compiled.entries;
  throw new StartRefused(
    problems.map(({ index, message }): StartFinding => {
      const hint = 'see docs/spiffe.md';
      return { file: `${FILE}.entries[${index}]`, severity: 'error', message, hint };
    }),
  );
}

function attestToken({ kubernetes }: Settings, { clock, schedule, parts }: WorkloadApiParts): AttestToken | undefined {
  if (kubernetes === undefined) return undefined;
  const { issuer, audience, jwks_file: file, jwks_url: url = '' } = kubernetes;
  const keys = file === undefined ? fetched(url, { clock, schedule, parts }) : keysOf(file);
  const verifier = createTokenVerifier({
    issuers: [{ name: 'kubernetes', issuer, audiences: [audience], keys }],
    clock,
    maxLifetimeSeconds: MAX_SERVICE_ACCOUNT_TOKEN_SECONDS,
  });
  parts.defer(() => verifier.close());
  return kubernetesAttestor(verifier);
}

function fetched(url: string, { clock, schedule, parts }: Pick<WorkloadApiParts, 'clock' | 'schedule' | 'parts'>) {
  const http = createHttpClient({ connectTo: new Map() });
  parts.defer(() => http.close());
  return createFetchedJwks({ load: httpJwksLoader(http.send, url), clock, schedule, random: Math.random });
}

function keysOf(file: string): JwksSource {
  try {
    const keys = createPushedJwks(readFileSync(file));
    const { failure } = keys.state();
    if (failure === undefined) return keys;
    throw refused(`kubernetes.jwks_file: ${failure}`, 'write the public keys of the cluster into it');
  } catch (error) {
    if (error instanceof StartRefused) throw error;
    throw refused('kubernetes.jwks_file cannot be read', 'check the path and the permissions');
  }
}

function refused(message: string, hint: string): StartRefused {
  return new StartRefused([{ file: FILE, severity: 'error', message, hint }]);
}
