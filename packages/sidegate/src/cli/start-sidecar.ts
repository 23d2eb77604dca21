/** A configuration → running listeners. Every finding of the start is collected before any of them stops it. */
import type { AddressInfo } from 'node:net';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { certificatesOf, loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import { beforeWriting } from '../net/batch.ts';
import { type Listener, type ListenerOptions, listen } from '../net/listener.ts';
import type { ServerTls } from '../net/tls-context.ts';
import { createAudit } from '../proxy/audit.ts';
import type { AuditSink } from '../proxy/audit-sink.ts';
import { type Pipeline, type ServeOptions, serve } from '../proxy/serve.ts';
import { assembleMeters, planAdmin, type SidecarState } from './assemble-admin.ts';
import { assembleEgress } from './assemble-egress.ts';
import { type AssembledIngress, assembleIngress } from './assemble-ingress.ts';
import type { Meters } from './assemble-metrics.ts';
import { type AssembledPolicy, assemblePolicy } from './assemble-policy.ts';
import { assembleRouteUpstreams, assembleTargets } from './assemble-upstreams.ts';
import { type Assembly, take } from './assembly.ts';
import { auditSinks } from './audit-sinks.ts';
import { StartRefused } from './start-finding.ts';

export interface RunningSidecar {
  readonly ingress: AddressInfo | undefined;
  readonly egress: AddressInfo | undefined;
  readonly admin: AddressInfo | undefined;
  /** Resolves once every issuer's keys and a policy are loaded. */
  readonly ready: Promise<void>;
  /** Stops accepting, finishes what is under way, cuts the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

type Targets = ReturnType<typeof assembleTargets>;

/** One listener that is about to open. */
interface Plan {
  readonly direction: 'ingress' | 'egress';
  readonly pipeline: Pipeline;
  readonly options: ListenerOptions;
}

/** @throws StartRefused with every error; warnings are logged */
export async function startSidecar(
  config: SidecarConfig,
  stdout: AuditSink,
  assembly: Assembly,
): Promise<RunningSidecar> {
  const meters = assembleMeters(config, assembly);
  const targets = assembleTargets(config, assembly, meters);
  const policy = await assemblePolicy(config, assembly);
  const { plan: ingressPlan, keysLoaded, issuers, judge } = planIngress(config, { targets, policy }, assembly, meters);
  const egressPlan = planEgress(config, targets, assembly, meters);
  const sinks = auditSinks(config, stdout, assembly);
  const errors = assembly.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    await closeAll(assembly);
    throw new StartRefused(assembly.findings);
  }
  for (const { file, line, message, hint } of assembly.findings) assembly.logger.warn({ file, line, hint }, message);

  const audit = createAudit({
    service: config.service.name,
    sinks,
    events: config.audit.events,
    includeHeaders: config.audit.enrichment.include_headers,
    maskFields: config.audit.enrichment.mask_fields.map((field) => field.split('.')),
    mode: config.audit.mode,
    clock: assembly.clock,
    defer: beforeWriting,
    onChange: (failure) => {
      if (failure === undefined) assembly.logger.info('audit records are kept again');
      else assembly.logger.error({ err: failure }, 'audit records cannot be kept');
    },
  });
  const listeners = new Map<string, Listener>();
  const state: SidecarState = { issuers, judge, draining: false, listeners };
  let admin: Listener | undefined;
  const close = async (graceMs: number): Promise<void> => {
    state.draining = true;
    await Promise.all(Array.from(listeners.values(), (listener) => listener.close(graceMs)));
    // It tells of the draining until that is over.
    await admin?.close(0);
    audit.close();
    const dropped = audit.dropped().filter(([, records]) => records > 0);
    if (dropped.length > 0) assembly.logger.error({ dropped: Object.fromEntries(dropped) }, 'audit records were lost');
    await closeAll(assembly);
  };
  try {
    for (const plan of [ingressPlan, egressPlan]) {
      if (plan === undefined) continue;
      const { direction, pipeline, options } = plan;
      listeners.set(
        direction,
        await listen(options, serve(pipeline, serveOptions(direction, audit, assembly, meters))),
      );
    }
    const adminPlan = planAdmin(config, { state, audit, meters }, assembly);
    if (adminPlan !== undefined) admin = await listen(adminPlan.options, adminPlan.handlers);
  } catch (error) {
    await close(0);
    throw refusedToListen(error);
  }
  return {
    ingress: listeners.get('ingress')?.address,
    egress: listeners.get('egress')?.address,
    admin: admin?.address,
    ready: Promise.all([...keysLoaded, policy.loaded]).then(() => undefined),
    close,
  };
}

interface PlannedIngress extends Pick<AssembledIngress, 'keysLoaded' | 'issuers'>, Pick<SidecarState, 'judge'> {
  readonly plan: Plan | undefined;
}

function planIngress(
  config: SidecarConfig,
  { targets, policy }: { readonly targets: Targets; readonly policy: AssembledPolicy },
  assembly: Assembly,
  meters: Meters | undefined,
): PlannedIngress {
  if (!config.proxy.enabled) return { plan: undefined, judge: undefined, keysLoaded: [], issuers: [] };
  const parts = { upstreamOf: assembleRouteUpstreams(targets, assembly), policy: policy.engine };
  const { pipeline, deps, keysLoaded, issuers } = assembleIngress(config, parts, assembly, meters);
  const { http } = config;
  const tls = http.tls.enabled ? serverTls(config, assembly) : undefined;
  if (tls !== undefined) meters?.certificate('http', tls.cert);
  const options = {
    host: http.addr.host ?? '::',
    port: http.addr.port,
    ...(tls === undefined ? {} : { tls }),
    readTimeoutMs: http.read_timeout,
    writeTimeoutMs: http.write_timeout,
    idleTimeoutMs: http.idle_timeout,
    maxHeaderBytes: http.max_header_bytes,
  };
  const judge = { deps, authorities: certificatesOf(tls?.clientCa ?? '') };
  return { plan: { direction: 'ingress', pipeline, options }, judge, keysLoaded, issuers };
}

function planEgress(
  config: SidecarConfig,
  targets: Targets,
  assembly: Assembly,
  meters: Meters | undefined,
): Plan | undefined {
  if (!config.egress.enabled) return undefined;
  const { http, egress } = config;
  return {
    direction: 'egress',
    pipeline: assembleEgress(config, targets, assembly, meters),
    options: {
      host: egress.addr.host ?? '127.0.0.1',
      port: egress.addr.port,
      readTimeoutMs: http.read_timeout,
      writeTimeoutMs: http.write_timeout,
      idleTimeoutMs: http.idle_timeout,
      maxHeaderBytes: http.max_header_bytes,
    },
  };
}

function serverTls({ http: { tls } }: SidecarConfig, assembly: Assembly): ServerTls | undefined {
  const { cert_file: certFile = '', key_file: keyFile = '', client_ca_file: clientCaFile } = tls;
  const pair = take(loadKeyPair(certFile, keyFile, assembly.readFile), assembly);
  const clientCa =
    clientCaFile === undefined ? undefined : take(loadCertificates(clientCaFile, assembly.readFile), assembly);
  if (pair === undefined) return undefined;
  return { ...pair, clientAuth: tls.client_auth, ...(clientCa === undefined ? {} : { clientCa }) };
}

function serveOptions(
  direction: Plan['direction'],
  audit: ServeOptions['audit'],
  { clock, randomHex, logger }: Assembly,
  meters: Meters | undefined,
): ServeOptions {
  return {
    direction,
    audit,
    ports: { clock, randomHex },
    onInternalError: (exchange, problem) => {
      logger.error({ request_id: exchange.requestId, err: problem.cause }, problem.message);
    },
    onEnded: meters?.exchange,
  };
}

async function closeAll({ closers }: Assembly): Promise<void> {
  for (const close of closers) await close();
}

function refusedToListen(error: unknown): unknown {
  if (!(error instanceof Error) || !('address' in error) || !('port' in error)) return error;
  const code = 'code' in error ? String(error.code) : 'unknown error';
  const message = `cannot listen on ${String(error.address)}:${String(error.port)} (${code})`;
  return new StartRefused([{ file: 'http.addr', severity: 'error', message, hint: 'choose another address or port' }]);
}
