/** Config → who decides: one of four engines, its policy from a file or a bundle server, and who stands in for it. */
import { readFileSync } from 'node:fs';
import { loadRoles } from '../config/load.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createHttpClient } from '../net/http-client.ts';
import { createBuiltin } from '../policy/builtin.ts';
import { bundleFile } from '../policy/bundle-file.ts';
import type { PolicyEngine } from '../policy/decision.ts';
import { withFallback } from '../policy/fallback.ts';
import { compileOpaEmbedded, loadOpaEmbedded } from '../policy/opa-embedded.ts';
import { createOpaSidecar } from '../policy/opa-sidecar.ts';
import { loadOpaWasm } from '../policy/opa-wasm.ts';
import { unpackPolicyBundle } from '../policy/policy-bundle.ts';
import { type LoadedBundle, pollBundle } from '../policy/polled-bundle.ts';
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

export async function assemblePolicy(config: SidecarConfig, assembly: Assembly): Promise<AssembledPolicy> {
  if (!config.proxy.enabled || !config.proxy.authz.enabled) return { engine: undefined, ...LOADED };
  const { fallback } = config.policy;
  const { engine = denyAll, ...state } = await assembleFirst(config, assembly);
  if (fallback === undefined) return { engine, ...state };
  const instead = inProcess(fallback, config.proxy.authz.policy_query, assembly) ?? denyAll;
  return { engine: withFallback(engine, instead), ...LOADED };
}

/** A finding stops the start before anybody asks; whoever asks all the same gets nothing. */
const denyAll: PolicyEngine = () => ({ allow: false, failure: 'policy_error', reasons: ['there is no policy engine'] });

/** Without an engine a finding says why. */
async function assembleFirst({ proxy, policy }: SidecarConfig, assembly: Assembly): Promise<AssembledPolicy> {
  const query = proxy.authz.policy_query;
  if (policy.bundle?.enabled === true) return assemblePolled(policy, query, assembly);
  const { engine } = policy;
  if (engine === 'opa_sidecar') return { engine: assembleSidecar(policy, query, assembly), ...LOADED };
  if (engine === 'opa_wasm') return { engine: await assembleWasm(policy, query, assembly), ...LOADED };
  return { engine: inProcess({ ...policy, engine }, query, assembly), ...LOADED };
}

type InProcess = Pick<PolicyConfig, 'path' | 'data_path' | 'bundle'> & {
  readonly engine: 'builtin' | 'opa_embedded';
};

function inProcess(
  { engine, path, data_path, bundle }: InProcess,
  query: string,
  assembly: Assembly,
): PolicyEngine | undefined {
  if (engine === 'builtin') return assembleBuiltin(path, assembly);
  const loaded = loadOpaEmbedded({
    policies: [path],
    data: data_path === undefined ? [] : [data_path],
    verification: bundle && assembleVerification(bundle, assembly),
    query,
    clock: assembly.clock,
  });
  if (loaded.ok) return loaded.value;
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

function assembleSidecar({ opa }: PolicyConfig, query: string, assembly: Assembly): PolicyEngine | undefined {
  // The schema requires it for this engine.
  if (opa === undefined) return undefined;
  const { connectTo, closers, clock } = assembly;
  const http = createHttpClient({ connectTo, connections: OPA_CONNECTIONS });
  closers.push(() => http.close());
  return createOpaSidecar({
    http: http.send,
    url: opa.url,
    policyPath: opa.policy_path ?? query.replace(/^data\./, '').replaceAll('.', '/'),
    timeoutMs: opa.timeout,
    retries: opa.retry,
    clock,
  });
}

async function assembleWasm(
  policy: PolicyConfig,
  query: string,
  assembly: Assembly,
): Promise<PolicyEngine | undefined> {
  const { path: file, bundle } = policy;
  const { findings, closers } = assembly;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    findings.push({ file, severity: 'error', ...unreadable(error), hint: 'give a readable bundle' });
    return undefined;
  }
  const loaded = await loadOpaWasm(bytes, {
    file,
    query,
    verification: bundle && assembleVerification(bundle, assembly),
  });
  if (!loaded.ok) {
    findings.push(...loaded.findings);
    return undefined;
  }
  closers.push(() => loaded.value.close());
  return loaded.value.decide;
}

async function assemblePolled(policy: PolicyConfig, query: string, assembly: Assembly): Promise<AssembledPolicy> {
  const { clock, connectTo, schedule, random, randomHex, logger, findings, closers } = assembly;
  const { path: file, bundle } = policy;
  const before = findings.length;
  const verification = bundle && assembleVerification(bundle, assembly);
  const none = { engine: undefined, ...LOADED };
  // Without all of its keys it would refuse what it should take.
  if (bundle?.url === undefined || findings.length > before) return none;
  const load = async (bytes: Uint8Array): Promise<LoadedBundle> => {
    if (policy.engine === 'opa_wasm') return loadOpaWasm(bytes, { file, query, verification });
    const sources = unpackPolicyBundle(bytes, { file, tests: false, verification });
    const compiled = compileOpaEmbedded(sources, { place: file, query, clock });
    return compiled.ok ? { ok: true, value: { decide: compiled.value, close: () => undefined } } : compiled;
  };
  const http = createHttpClient({ connectTo });
  const polled = await pollBundle({
    http: http.send,
    url: bundle.url,
    headers: bundle.auth_token === undefined ? {} : { authorization: `Bearer ${bundle.auth_token.reveal()}` },
    intervalMs: bundle.polling_interval,
    load,
    file: bundleFile(file, () => randomHex(8)),
    schedule,
    random,
    onChange: (trouble, reasons) => {
      if (trouble === undefined) logger.info({ url: bundle.url }, 'the policy bundle is up to date again');
      else logger.warn({ url: bundle.url, findings: reasons }, trouble);
    },
  });
  closers.push(
    () => polled.close(),
    () => http.close(),
  );
  return { engine: polled.decide, loaded: polled.loaded, isLoaded: polled.isLoaded };
}

function unreadable(error: unknown): { readonly message: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return { message: `cannot be read (${code})` };
}
