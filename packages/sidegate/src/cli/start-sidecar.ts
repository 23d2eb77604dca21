/** A configuration → running listeners, and a new one in its place without a request noticing. */
import type { AddressInfo } from 'node:net';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { ExtAuthzServer } from '../ext-authz/server.ts';
import { sameRevocations } from '../identity/revocation-lists.ts';
import type { IngressDeps } from '../ingress/ingress.ts';
import { isRevoked } from '../ingress/refuse-revoked.ts';
import { type Listener, type ListenerHandlers, type ListenerOptions, listen } from '../net/listener.ts';
import type { AuditSink } from '../proxy/audit-sink.ts';
import { assembleMeters, planAdmin, questionOptions, type SidecarState } from './assemble-admin.ts';
import { startExtAuthz } from './assemble-ext-authz.ts';
import type { AssemblyPorts } from './assembly.ts';
import { maxConnections } from './descriptors.ts';
import { assembleGeneration, type Generation } from './generation.ts';
import { needsRestart } from './needs-restart.ts';
import { StartRefused } from './start-finding.ts';

export interface Next {
  readonly config: SidecarConfig;
  readonly ports: AssemblyPorts;
}

export interface RunningSidecar {
  readonly ingress: AddressInfo | undefined;
  readonly egress: AddressInfo | undefined;
  readonly admin: AddressInfo | undefined;
  readonly grpc: AddressInfo | undefined;
  /** Of the trust bundle that new connections are served with at the moment; undefined: it has no number. */
  bundleSequence(): number | undefined;
  /** Resolves once every issuer's keys and a policy are loaded. */
  readonly ready: Promise<void>;
  /**
   * Puts another configuration in the place of this one: new requests are served by it, those under way end as they began, and
   * connections whose peer it would not accept are closed. Calls must not overlap.
   *
   * @param read may throw StartRefused itself
   * @throws StartRefused with every error; then everything is as it was
   */
  reload(read: () => Next): Promise<void>;
  /** Stops accepting, finishes what is under way, cuts the rest after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

type Direction = 'ingress' | 'egress';

/** Keys of an issuer and a policy bundle that are new are waited for that long before they are needed. */
const KEYS_MS = 5_000;
/** Token and key requests of a generation that ended are over after that. */
const LINGER_MS = 10_000;

/** @throws StartRefused with every error; warnings are logged */
export async function startSidecar(
  config: SidecarConfig,
  stdout: AuditSink,
  ports: AssemblyPorts,
): Promise<RunningSidecar> {
  const meters = assembleMeters(config, ports);
  const latest = (): IngressDeps | undefined => current.judge?.deps;
  let current: Generation = await assembleGeneration(config, ports, { stdout, meters, latest });
  const listeners = new Map<string, Listener>();
  const state: SidecarState = { ...current, draining: false, listeners };
  let admin: Listener | undefined;
  let extAuthz: ExtAuthzServer | undefined;
  /** A revoked peer loses its connections at once; who listens for that belongs to the generation that serves. */
  const cutRevoked = (): void => {
    endCutting?.();
    const deps = current.judge?.deps;
    endCutting = deps?.revocations?.onRevoked((concerned) => {
      if (concerned === 'peers') listeners.get('ingress')?.cutUnless((socket) => !isRevoked(socket, deps));
    });
  };
  let endCutting: (() => void) | undefined;
  /** Those before, which end later. */
  const ending = new Map<Generation, () => void>();
  const close = async (graceMs: number): Promise<void> => {
    state.draining = true;
    await Promise.all(Array.from(listeners.values(), (listener) => listener.close(graceMs)));
    await extAuthz?.close(graceMs);
    // It tells of the draining until that is over.
    await admin?.close(0);
    for (const [generation, cancel] of ending) {
      cancel();
      await generation.end(current);
    }
    await current.end();
  };
  try {
    for (const direction of ['ingress', 'egress'] as const) {
      if (current.handlers[direction] === undefined) continue;
      const handlers = handlersOf(() => current.handlers[direction] as ListenerHandlers);
      listeners.set(direction, await listen(listenerOptions(direction, current), handlers));
    }
    cutRevoked();
    extAuthz = await startExtAuthz(config, questionOptions(state, ports.logger), ports);
    const adminPlan = planAdmin(config, { state, meters }, ports);
    if (adminPlan !== undefined) admin = await listen(adminPlan.options, adminPlan.handlers);
  } catch (error) {
    await close(0);
    throw refusedToListen(error);
  }

  const reload = async (read: () => Next): Promise<void> => {
    const next = read();
    const fixed = needsRestart(current.config, next.config);
    if (fixed.length > 0) throw new StartRefused(fixed);
    const before = current;
    const generation = await assembleGeneration(next.config, next.ports, { stdout, meters, before, latest });
    const { schedule } = next.ports;
    await Promise.race([generation.ready, new Promise<void>((resolve) => schedule(KEYS_MS, resolve))]);
    current = generation;
    cutRevoked();
    Object.assign(state, {
      issuers: generation.issuers,
      trustDomains: generation.trustDomains,
      policyLoaded: generation.policyLoaded,
      judge: generation.judge,
      audit: generation.audit,
      certificates: generation.certificates,
      exchangePorts: generation.exchangePorts,
      onEnded: generation.onEnded,
    });
    const ingress = listeners.get('ingress');
    if (generation.tls !== undefined) ingress?.setTls(generation.tls);
    // Who was in the list, or is now, shows at the next handshake only.
    const listed = sameRevocations(before.judge?.revocations, generation.judge?.revocations);
    ingress?.dismissUnless((socket) => listed && generation.serves(socket));
    await generation.components.settle();
    const cancel = schedule(LINGER_MS, () => {
      ending.delete(before);
      void before.end(current);
    });
    ending.set(before, cancel);
  };

  return {
    ingress: listeners.get('ingress')?.address,
    egress: listeners.get('egress')?.address,
    admin: admin?.address,
    grpc: extAuthz?.address,
    ready: current.ready,
    bundleSequence: () => current.bundleSequence,
    async reload(read) {
      try {
        await reload(read);
        meters?.reloaded(false);
      } catch (error) {
        meters?.reloaded(true);
        throw error;
      }
    },
    close,
  };
}

/** The listener stays, whoever serves it at the moment. */
function handlersOf(current: () => ListenerHandlers): ListenerHandlers {
  return {
    request: (request, reply) => current().request(request, reply),
    malformed: (problem, head, reply) => current().malformed(problem, head, reply),
    handshakeFailed: (code, remoteAddress) => current().handshakeFailed(code, remoteAddress),
    mayStay: (socket) => current().mayStay(socket),
  };
}

function listenerOptions(direction: Direction, { config, tls }: Generation): ListenerOptions {
  const { http, proxy, egress } = config;
  const listeners = [proxy.enabled, egress.enabled].filter(Boolean).length;
  const secure = direction === 'ingress' && tls !== undefined;
  const shared = {
    readTimeoutMs: http.read_timeout,
    writeTimeoutMs: http.write_timeout,
    idleTimeoutMs: http.idle_timeout,
    maxHeaderBytes: http.max_header_bytes,
    maxConnections: maxConnections({ listeners, secure }),
  };
  if (direction === 'egress') return { ...shared, host: egress.addr.host ?? '127.0.0.1', port: egress.addr.port };
  return { ...shared, host: http.addr.host ?? '::', port: http.addr.port, ...(tls === undefined ? {} : { tls }) };
}

function refusedToListen(error: unknown): unknown {
  if (!(error instanceof Error) || !('address' in error) || !('port' in error)) return error;
  const code = 'code' in error ? String(error.code) : 'unknown error';
  const message = `cannot listen on ${String(error.address)}:${String(error.port)} (${code})`;
  return new StartRefused([{ file: 'http.addr', severity: 'error', message, hint: 'choose another address or port' }]);
}
