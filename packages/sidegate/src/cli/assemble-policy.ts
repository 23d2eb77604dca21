/** Config → who decides: one of four engines, its policy from a file or a bundle server, and who stands in for it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadRoles } from '../config/load.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createHttpClient } from '../net/http-client.ts';
import { createBuiltin } from '../policy/builtin.ts';
import type { PolicyEngine } from '../policy/decision.ts';
import { byWholeInput } from '../policy/decision-cache.ts';
import { withFallback } from '../policy/fallback.ts';
import { loadOpaEmbedded } from '../policy/opa-embedded.ts';
import { createOpaSidecar } from '../policy/opa-sidecar.ts';
import { loadOpaWasm } from '../policy/opa-wasm.ts';
import { assemblePolledBundle } from './assemble-bundle.ts';
import { assembleDecisionMemory, type DecisionMemory } from './assemble-decision-memory.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleVerification } from './assemble-verification.ts';
import type { Assembly } from './assembly.ts';
import { fromDiagnostic } from './start-finding.ts';

type PolicyConfig = SidecarConfig['policy'];

export interface AssembledPolicy {
  /** Undefined: authorization is switched off. */
  readonly engine: PolicyEngine | undefined;
  /** Resolves once there is a policy, or one that stands in for it. */
  readonly loaded: Promise<void>;
  readonly isLoaded: () => boolean;
}

const LOADED = { loaded: Promise.resolve(), isLoaded: () => true };

/** Connections to the OPA beside us. */
const OPA_CONNECTIONS = { keepAlive: true, maxSockets: 64 } as const;

export async function assemblePolicy(
  config: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): Promise<AssembledPolicy> {
  if (!config.proxy.enabled || !config.proxy.authz.enabled) return { engine: undefined, ...LOADED };
  const { fallback } = config.policy;
  const memory = assembleDecisionMemory(config, assembly, meters);
  const { engine = denyAll, ...state } = await assembleFirst(config, memory, assembly);
  if (fallback === undefined) return { engine, ...state };
  const instead =
    inProcess({ print_enabled: false, ...fallback }, config.proxy.authz.policy_query, memory, assembly) ?? denyAll;
  return { engine: withFallback(engine, instead), ...LOADED };
}

/** A finding stops the start before anybody asks; whoever asks all the same gets nothing. */
const denyAll: PolicyEngine = () => ({ allow: false, failure: 'policy_error', reasons: ['there is no policy engine'] });

/** Without an engine a finding says why. */
async function assembleFirst(
  config: SidecarConfig,
  memory: DecisionMemory,
  assembly: Assembly,
): Promise<AssembledPolicy> {
  const { proxy, policy } = config;
  const query = proxy.authz.policy_query;
  if (policy.bundle?.enabled === true) {
    const polled = await assemblePolledBundle(config, memory, assembly);
    return polled === undefined
      ? { engine: undefined, ...LOADED }
      : { engine: polled.decide, loaded: polled.loaded, isLoaded: polled.isLoaded };
  }
  const { engine } = policy;
  if (engine === 'opa_sidecar') return { engine: assembleSidecar(policy, query, memory, assembly), ...LOADED };
  if (engine === 'opa_wasm') return { engine: await assembleWasm(policy, query, memory, assembly), ...LOADED };
  return { engine: inProcess({ ...policy, engine }, query, memory, assembly), ...LOADED };
}

type InProcess = Pick<PolicyConfig, 'path' | 'data_path' | 'bundle' | 'print_enabled'> & {
  readonly engine: 'builtin' | 'opa_embedded';
};

function inProcess(
  { engine, path, data_path, bundle, print_enabled: prints }: InProcess,
  query: string,
  memory: DecisionMemory,
  assembly: Assembly,
): PolicyEngine | undefined {
  if (engine === 'builtin') return assembleBuiltin(path, assembly);
  const loaded = loadOpaEmbedded({
    policies: [path],
    data: data_path === undefined ? [] : [data_path],
    verification: bundle && assembleVerification(bundle, assembly),
    query,
    clock: assembly.clock,
    onPrint: prints ? (line) => assembly.logger.info({ printed: line }, 'a policy prints') : undefined,
  });
  if (loaded.ok) return memory.embedded(loaded.value);
  assembly.findings.push(...loaded.findings);
  return undefined;
}

function assembleBuiltin(file: string, { readFile, findings }: Assembly): PolicyEngine | undefined {
  let text: string;
  try {
    ({ text } = readFile(file));
  } catch (error) {
    findings.push({ file, severity: 'error', ...unreadable(error), hint: 'policy.path must name a file of roles' });
    return undefined;
  }
  const loaded = loadRoles(text, { file, env: {}, readFile: (other) => readFile(other).text });
  if (!loaded.ok) {
    findings.push(...loaded.diagnostics.map(fromDiagnostic));
    return undefined;
  }
  return createBuiltin(
    new Map(Object.entries(loaded.config.roles).map(([role, { permissions }]) => [role, permissions])),
  );
}

function assembleSidecar(
  { opa }: PolicyConfig,
  query: string,
  memory: DecisionMemory,
  { connectTo, components, clock }: Assembly,
): PolicyEngine | undefined {
  // The schema requires it for this engine.
  if (opa === undefined) return undefined;
  const http = components.take('OPA connections', opa.url, () => {
    const client = createHttpClient({ connectTo, connections: OPA_CONNECTIONS });
    return { value: client, close: () => client.close() };
  });
  const engine = createOpaSidecar({
    http: http.send,
    url: opa.url,
    policyPath: opa.policy_path ?? query.replace(/^data\./, '').replaceAll('.', '/'),
    timeoutMs: opa.timeout,
    retries: opa.retry,
    clock,
  });
  return memory.of(engine, byWholeInput);
}

async function assembleWasm(
  policy: PolicyConfig,
  query: string,
  memory: DecisionMemory,
  assembly: Assembly,
): Promise<PolicyEngine | undefined> {
  const { path: file, bundle } = policy;
  const { findings, components } = assembly;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    findings.push({ file, severity: 'error', ...unreadable(error), hint: 'give a readable bundle' });
    return undefined;
  }
  const verification = bundle && assembleVerification(bundle, assembly);
  const digest = createHash('sha256').update(bytes).digest('base64');
  const loaded = await components.take('wasm policy', { file, query, verification, digest }, () => {
    const loading = loadOpaWasm(bytes, { file, query, verification });
    const close = async (): Promise<void> => {
      const made = await loading;
      if (made.ok) await made.value.close();
    };
    return { value: loading, close };
  });
  if (loaded.ok) return memory.of(loaded.value.decide, byWholeInput);
  findings.push(...loaded.findings);
  return undefined;
}

function unreadable(error: unknown): { readonly message: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return { message: `cannot be read (${code})` };
}
