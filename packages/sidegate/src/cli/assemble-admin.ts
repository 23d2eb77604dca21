/** `admin` → the listener for health, metrics and decisions, and what its answers are made of. */
import type { X509Certificate } from 'node:crypto';
import type { FeedState, RevocationList } from '@sidegate/sdk';
import { authorizeEndpoints } from '../admin/authorize.ts';
import { healthEndpoints, metricsEndpoint } from '../admin/endpoints.ts';
import { type HealthSources, type IssuerState, readinessOf, type TrustDomainState } from '../admin/health.ts';
import type { JudgeQuestionOptions } from '../admin/judge-question.ts';
import { serveAdmin } from '../admin/serve.ts';
import type { Snapshot } from '../admin/snapshot.ts';
import { isLoopback } from '../config/address.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { IngressDeps } from '../ingress/ingress.ts';
import type { Listener, ListenerHandlers, ListenerOptions } from '../net/listener.ts';
import type { Audit } from '../proxy/audit.ts';
import type { Exchange, ExchangePorts } from '../proxy/exchange.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { createMeters, type Meters } from './assemble-metrics.ts';
import type { AssemblyPorts } from './assembly.ts';
import { observeProcess } from './process-metrics.ts';

/** What changes while a sidecar runs, and the admin listener tells. */
export interface SidecarState {
  issuers: readonly IssuerState[];
  trustDomains: readonly TrustDomainState[];
  policyLoaded: () => boolean;
  /** Undefined: there is no ingress, so nothing to decide. */
  judge: JudgeState | undefined;
  draining: boolean;
  /** By name; those that are open. */
  readonly listeners: ReadonlyMap<string, Listener>;
  audit: Audit;
  /** Those that it shows, by where the configuration names them. */
  certificates: ReadonlyMap<string, X509Certificate>;
  exchangePorts: ExchangePorts;
  /** Told of every exchange that is over. */
  onEnded: ((exchange: Exchange) => void) | undefined;
}

/** What the ingress decides by. */
export interface JudgeState {
  readonly deps: IngressDeps;
  /** Who signs its clients. */
  readonly authorities: readonly X509Certificate[];
  /** Whom they took back; undefined: nobody is asked. */
  readonly revocations: readonly RevocationList[] | undefined;
}

/** Nothing is measured that nobody can read. */
export function assembleMeters(
  { admin, observability: { metrics } }: SidecarConfig,
  assembly: AssemblyPorts,
): Meters | undefined {
  if (admin === undefined || !metrics.enabled) return undefined;
  const meters = createMeters(new Metrics(), assembly.clock);
  if (metrics.process) observeProcess(meters.metrics);
  return meters;
}

/** Small and seldom: whoever asks here is a probe, a scraper or a gateway of this machine. */
const LIMITS = {
  readTimeoutMs: 5_000,
  writeTimeoutMs: 10_000,
  idleTimeoutMs: 120_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 256,
} as const;

export interface AdminPlan {
  readonly options: ListenerOptions;
  readonly handlers: ListenerHandlers;
}

export function planAdmin(
  { admin, service }: SidecarConfig,
  { state, meters }: { readonly state: SidecarState; readonly meters: Meters | undefined },
  { clock, randomHex, logger, gather }: AssemblyPorts,
): AdminPlan | undefined {
  if (admin === undefined) return undefined;
  const { addr, remote_reason: reason } = admin;
  const localOnly = addr.host !== undefined && isLoopback(addr.host);
  if (!localOnly) logger.warn({ reason }, 'the admin listener is open to other machines');
  const startedAt = clock.monotonic();
  const sources: HealthSources = {
    service: service.name,
    issuers: () => state.issuers,
    trustDomains: () => state.trustDomains,
    policyLoaded: () => state.policyLoaded(),
    revocations: () => state.judge?.deps.revocations,
    draining: () => state.draining,
    auditAvailable: () => state.audit.available,
    uptimeSeconds: () => (clock.monotonic() - startedAt) / 1000,
  };
  const own = (): Snapshot => ({ readiness: readinessOf(sources), metrics: meters?.metrics.read() ?? [] });
  const takeSnapshots = gather?.(own) ?? (() => [{ worker: undefined, snapshot: own() }]);
  const endpoints = [...healthEndpoints(sources, takeSnapshots)];
  if (meters !== undefined) {
    observeState(meters.metrics, state);
    endpoints.push(metricsEndpoint(takeSnapshots));
  }
  const onInternalError = internalErrors(logger);
  if (state.judge !== undefined) endpoints.push(...authorizeEndpoints(questionOptions(state, logger)));
  const handlers = serveAdmin({ endpoints: new Map(endpoints), localOnly, randomHex, onInternalError });
  return { options: { ...LIMITS, host: addr.host ?? '::', port: addr.port }, handlers };
}

/** What a request that others have received is judged by, at the moment of each question; for a state that has a judge. */
export function questionOptions(state: SidecarState, logger: Logger): JudgeQuestionOptions {
  const judging = (): JudgeState => state.judge as JudgeState;
  return {
    deps: () => judging().deps,
    authorities: () => judging().authorities,
    revocations: () => judging().revocations,
    audit: () => state.audit,
    ports: () => state.exchangePorts,
    onEnded: (exchange) => state.onEnded?.(exchange),
    onInternalError: internalErrors(logger),
  };
}

function internalErrors(logger: Logger): JudgeQuestionOptions['onInternalError'] {
  return (requestId, problem) => logger.error({ request_id: requestId, err: problem.cause }, problem.message);
}

function observeState(metrics: Metrics, state: SidecarState): void {
  metrics.observed(
    { name: 'authz_connections', help: 'Connections of clients that are open.', labels: ['listener'] },
    'gauge',
    () => Array.from(state.listeners, ([name, { connections }]) => ({ labels: [name], value: connections })),
  );
  const help = 'Connections of clients that were closed as they came, because there were too many.';
  metrics.observed({ name: 'authz_connections_turned_away_total', help, labels: ['listener'] }, 'counter', () =>
    Array.from(state.listeners, ([name, { turnedAway }]) => ({ labels: [name], value: turnedAway })),
  );
  observeRevocations(metrics, () => state.judge?.deps.revocations?.states() ?? []);
  const expiry = 'When a certificate of this sidecar expires, in seconds since the epoch.';
  metrics.observed(
    { name: 'authz_certificate_not_after_seconds', help: expiry, labels: ['certificate'] },
    'gauge',
    () =>
      Array.from(state.certificates, ([name, { validTo }]) => ({ labels: [name], value: Date.parse(validTo) / 1000 })),
  );
  metrics.observed(
    { name: 'authz_audit_records_dropped_total', help: 'Audit records that a sink did not keep.', labels: ['sink'] },
    'counter',
    () => state.audit.dropped().map(([sink, value]) => ({ labels: [sink], value })),
  );
  metrics.observed(
    { name: 'authz_audit_available', help: '1 while audit records are kept, else 0.', labels: [] },
    'gauge',
    () => [{ labels: [], value: state.audit.available ? 1 : 0 }],
  );
}

function observeRevocations(metrics: Metrics, states: () => readonly FeedState[]): void {
  const observe = (name: string, kind: 'gauge' | 'counter', help: string, read: (state: FeedState) => number): void =>
    metrics.observed({ name, help, labels: ['issuer'] }, kind, () =>
      states().map((state) => ({ labels: [state.issuer], value: read(state) })),
    );
  observe('authz_revocations', 'gauge', 'Revocations of an issuer that are in force.', ({ entries }) => entries);
  const known = '1 while everything that an issuer revoked is known, else 0.';
  observe('authz_revocations_known', 'gauge', known, ({ available }) => (available ? 1 : 0));
  const contact = 'When an authority last told something, in seconds since the epoch; 0: never.';
  observe('authz_revocations_last_contact_timestamp_seconds', 'gauge', contact, ({ lastContact = 0 }) => lastContact);
  const opened = 'Streams of revocations that an authority has opened.';
  observe('authz_revocations_streams_total', 'counter', opened, ({ connections }) => connections);
}
