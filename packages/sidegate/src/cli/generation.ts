/** One configuration, assembled: what its listeners are told, whom they serve, and how it makes room for the next one. */
import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TrustDomainState } from '../admin/health.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { certificatesOf, loadKeyPair } from '../identity/key-pair.ts';
import { revocationListOf } from '../identity/revocation-lists.ts';
import { verifiedBy } from '../identity/verified-by.ts';
import { isServed, mayStay } from '../ingress/identify-peer.ts';
import type { IngressDeps } from '../ingress/ingress.ts';
import { isRevoked } from '../ingress/refuse-revoked.ts';
import { afterWriting, beforeWriting } from '../net/batch.ts';
import type { ListenerHandlers } from '../net/listener.ts';
import type { ServerTls } from '../net/tls-context.ts';
import { type Audit, createAudit } from '../proxy/audit.ts';
import type { AuditSink } from '../proxy/audit-sink.ts';
import type { Exchange, ExchangePorts } from '../proxy/exchange.ts';
import { type Pipeline, type ServeOptions, serve } from '../proxy/serve.ts';
import type { JudgeState } from './assemble-admin.ts';
import { assembleCredentials, assembleEgress, type CalledWith, routeCredentials } from './assemble-egress.ts';
import { assembleIdentity } from './assemble-identity.ts';
import { type AssembledIngress, assembleIngress } from './assemble-ingress.ts';
import type { Meters } from './assemble-metrics.ts';
import { type AssembledExporter, assembleAuditExporter, assembleTracing } from './assemble-otlp.ts';
import { assemblePolicy } from './assemble-policy.ts';
import { type AssembledTokens, assembleTokens } from './assemble-tokens.ts';
import { type AssembledTarget, assembleRouteUpstreams, assembleTargets } from './assemble-upstreams.ts';
import { type Assembly, type AssemblyPorts, take } from './assembly.ts';
import { auditSinks } from './audit-sinks.ts';
import { assembleClientTrust, type ClientTrust } from './client-trust.ts';
import { Components } from './components.ts';
import { StartRefused } from './start-finding.ts';
import { namedTrustDomains } from './trust-bundles.ts';

export interface Generation {
  readonly config: SidecarConfig;
  readonly components: Components;
  readonly audit: Audit;
  readonly exchangePorts: ExchangePorts;
  /** Told of every exchange that is over. */
  readonly onEnded: ServeOptions['onEnded'];
  /** By direction; undefined: nobody listens there. */
  readonly handlers: { readonly ingress: ListenerHandlers | undefined; readonly egress: ListenerHandlers | undefined };
  readonly tls: ServerTls | undefined;
  /** Those that it shows, by where the configuration names them; of a chain, the first one. */
  readonly certificates: ReadonlyMap<string, X509Certificate>;
  /** Of the trust bundle that it was made with; undefined: it has no number. */
  readonly bundleSequence: number | undefined;
  /** How targets are called at the moment; undefined: none is. */
  readonly calledWith: CalledWith | undefined;
  /** What the ingress decides by. */
  readonly judge: JudgeState | undefined;
  readonly issuers: AssembledTokens['issuers'];
  /** Those beside its own that it was told to trust. */
  readonly trustDomains: readonly TrustDomainState[];
  readonly policyLoaded: () => boolean;
  /** Resolves when every issuer's keys and a policy are loaded. */
  readonly ready: Promise<void>;
  /** Whether the peer of a connection, which the generation before may have accepted, would be served now. */
  serves(socket: Socket): boolean;
  /** Closes what `next` does not use. */
  end(next?: Generation): Promise<void>;
}

export interface GenerationContext {
  readonly stdout: AuditSink;
  readonly meters: Meters | undefined;
  /** Whose parts are taken over where nothing about them changed. */
  readonly before?: Generation | undefined;
  /** What the ingress decides by when it is asked, this generation or a later one. */
  readonly latest: () => IngressDeps | undefined;
}

/** @throws StartRefused with every error; warnings are logged */
export async function assembleGeneration(
  config: SidecarConfig,
  ports: AssemblyPorts,
  { stdout, meters, before, latest }: GenerationContext,
): Promise<Generation> {
  const components = new Components(before?.components);
  const identity = await assembleIdentity(config, { ...ports, components });
  const assembly: Assembly = { ...ports, components, identity };
  const end = (next?: Generation): Promise<void> => components.end(next?.components);
  const targets = assembleTargets(config, assembly);
  const policy = await assemblePolicy(config, assembly, meters);
  const tokens = assembleTokens(config, assembly, meters);
  const credentialOf = assembleCredentials(config, assembly, meters);
  const clientTrust = config.proxy.enabled ? assembleClientTrust(config, assembly) : undefined;
  const parts = {
    vouch: clientTrust?.vouch,
    upstreamOf: assembleRouteUpstreams(config, targets, assembly),
    credentialOf: routeCredentials(targets, credentialOf),
    tokens,
    policy: policy.engine,
    latest,
  };
  const ingress = config.proxy.enabled ? assembleIngress(config, parts, assembly, meters) : undefined;
  const tls = config.proxy.enabled && config.http.tls.enabled ? serverTls(config, clientTrust, assembly) : undefined;
  const egress = config.egress.enabled
    ? assembleEgress(config, { targets, credentialOf, tokens, before: before?.calledWith }, assembly)
    : undefined;
  const tracing = assembleTracing(config, assembly, meters);
  const audit = assembleAudit(config, { stdout, copy: assembleAuditExporter(config, assembly, meters) }, assembly);
  if (assembly.findings.some(({ severity }) => severity === 'error')) {
    await end(before);
    throw new StartRefused(assembly.findings);
  }
  for (const { file, line, message, hint } of assembly.findings) assembly.logger.warn({ file, line, hint }, message);
  const trustDomains = namedTrustDomains(config, identity);
  for (const { name, known } of trustDomains) {
    if (!known)
      assembly.logger.warn({ trust_domain: name }, 'there is no bundle of a trust domain: nobody of it is trusted');
  }
  const exchangePorts = { clock: ports.clock, randomHex: ports.randomHex, sampler: tracing.sampler };
  const onEnded = both(meters?.exchange, tracing.onEnded);
  const served = (pipeline: Pipeline, direction: ServeOptions['direction'], stays: ServeOptions['mayStay']) =>
    serve(pipeline, serveOptions({ direction, audit, mayStay: stays, onEnded }, exchangePorts, assembly));
  return {
    config,
    components,
    audit,
    exchangePorts,
    onEnded,
    handlers: {
      ingress: ingress && served(ingress.pipeline, 'ingress', staysAt(ingress)),
      egress: egress && served(egress.pipeline, 'egress', () => true),
    },
    tls,
    certificates: ownCertificates(tls, targets),
    calledWith: egress?.calledWith,
    judge: ingress && {
      deps: ingress.deps,
      authorities: certificatesOf(tls?.clientCa ?? ''),
      revocations: tls?.clientCrl?.map(revocationListOf),
    },
    issuers: tokens.issuers,
    trustDomains,
    bundleSequence: identity?.bundleSequence,
    policyLoaded: policy.isLoaded,
    ready: Promise.all([...tokens.keysLoaded, ...(ingress?.revocationsKnown ?? []), policy.loaded]).then(
      () => undefined,
    ),
    serves: servedBy(ingress, tls?.clientCa),
    end,
  };
}

function ownCertificates(
  tls: ServerTls | undefined,
  targets: ReadonlyMap<string, AssembledTarget>,
): Generation['certificates'] {
  const pems = [
    ['http', tls?.cert] as const,
    ...Array.from(targets, ([name, { tls }]) => [`egress.targets.${name}`, tls.cert] as const),
  ];
  return new Map(pems.flatMap(([name, pem]) => (pem === undefined ? [] : [[name, new X509Certificate(pem)] as const])));
}

type Told = (exchange: Exchange) => void;

function both(first: Told | undefined, second: Told | undefined): Told | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (exchange) => {
    first(exchange);
    second(exchange);
  };
}

function staysAt({ deps }: AssembledIngress): ServeOptions['mayStay'] {
  return (socket) => mayStay(socket, deps.trust, deps.peers) && !isRevoked(socket, deps);
}

function servedBy(ingress: AssembledIngress | undefined, clientCa: string | undefined): Generation['serves'] {
  const verified = clientCa === undefined ? undefined : verifiedBy(certificatesOf(clientCa));
  return (socket) => {
    if (ingress === undefined || !(socket instanceof TLSSocket)) return true;
    // Where none is required, nothing relies on a certificate that the handshake did not accept.
    const leaf = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    if (leaf !== undefined && verified?.(leaf) === false) return false;
    return isServed(socket, ingress.deps.trust, ingress.deps.peers);
  };
}

interface AuditOutlets {
  readonly stdout: AuditSink;
  /** Towards a collector. */
  readonly copy: AssembledExporter | undefined;
}

function assembleAudit(config: SidecarConfig, { stdout, copy }: AuditOutlets, assembly: Assembly): Audit {
  const { service, audit } = config;
  const { clock, logger } = assembly;
  const sinks = auditSinks(config, stdout, assembly, copy?.exporter);
  return assembly.components.take('audit', { service: service.name, audit, copy: copy?.madeFrom }, () => {
    const made = createAudit({
      service: service.name,
      sinks,
      events: audit.events,
      includeHeaders: audit.enrichment.include_headers,
      maskFields: audit.enrichment.mask_fields.map((field) => field.split('.')),
      mode: audit.mode,
      clock,
      defer: audit.mode === 'required' ? beforeWriting : afterWriting,
      onChange: (failure) => {
        if (failure === undefined) logger.info('audit records are kept again');
        else logger.error({ err: failure }, 'audit records cannot be kept');
      },
    });
    const close = (): void => {
      made.close();
      const dropped = made.dropped().filter(([, records]) => records > 0);
      if (dropped.length > 0) logger.error({ dropped: Object.fromEntries(dropped) }, 'audit records were lost');
    };
    return { value: made, close };
  });
}

function serverTls(
  { http: { tls } }: SidecarConfig,
  trust: ClientTrust | undefined,
  assembly: Assembly,
): ServerTls | undefined {
  const { cert_file: certFile = '', key_file: keyFile = '' } = tls;
  const pair =
    tls.source === 'files'
      ? take(loadKeyPair(certFile, keyFile, assembly.readFile), assembly)
      : assembly.identity?.pair;
  if (pair === undefined) return undefined;
  return {
    ...pair,
    ...(trust?.lists === undefined ? {} : { clientCrl: trust.lists }),
    clientAuth: tls.client_auth,
    ...(trust?.ca === undefined ? {} : { clientCa: trust.ca }),
  };
}

function serveOptions(
  given: Pick<ServeOptions, 'direction' | 'audit' | 'mayStay' | 'onEnded'>,
  ports: ExchangePorts,
  { logger }: Assembly,
): ServeOptions {
  return {
    ...given,
    ports,
    onInternalError: (exchange, problem) => {
      logger.error({ request_id: exchange.requestId, err: problem.cause }, problem.message);
    },
  };
}
