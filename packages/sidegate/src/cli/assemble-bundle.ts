/** `policy.bundle` → the policy that a bundle server gives, asked again and again. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createHttpClient } from '../net/http-client.ts';
import { bundleFile } from '../policy/bundle-file.ts';
import { byWholeInput } from '../policy/decision-cache.ts';
import { compileOpaEmbedded } from '../policy/opa-embedded.ts';
import { loadOpaWasm } from '../policy/opa-wasm.ts';
import { unpackPolicyBundle } from '../policy/policy-bundle.ts';
import { type LoadedBundle, type PolledBundle, pollBundle } from '../policy/polled-bundle.ts';
import type { DecisionMemory } from './assemble-decision-memory.ts';
import { assembleVerification } from './assemble-verification.ts';
import type { Assembly } from './assembly.ts';

/** Undefined after a finding was noted. What was fetched stays where nothing about the fetching changed. */
export async function assemblePolledBundle(
  { policy, proxy, cache }: SidecarConfig,
  memory: DecisionMemory,
  assembly: Assembly,
): Promise<PolledBundle | undefined> {
  const { clock, connectTo, schedule, random, randomHex, logger, findings, components } = assembly;
  const query = proxy.authz.policy_query;
  const { path: file, bundle, engine, print_enabled: prints } = policy;
  const before = findings.length;
  const verification = bundle && assembleVerification(bundle, assembly);
  // Without all of its keys it would refuse what it should take.
  if (bundle?.url === undefined || findings.length > before) return undefined;
  const { url, auth_token: token, polling_interval: intervalMs } = bundle;
  const load = async (bytes: Uint8Array): Promise<LoadedBundle> => {
    if (engine === 'opa_wasm') {
      const loaded = await loadOpaWasm(bytes, { file, query, verification });
      if (!loaded.ok) return loaded;
      const { value } = loaded;
      return { ok: true, value: { decide: memory.of(value.decide, byWholeInput), close: () => value.close() } };
    }
    const sources = unpackPolicyBundle(bytes, { file, tests: false, verification });
    const onPrint = prints ? (line: string) => logger.info({ printed: line }, 'a policy prints') : undefined;
    const compiled = compileOpaEmbedded(sources, { place: file, query, clock, onPrint });
    return compiled.ok
      ? { ok: true, value: { decide: memory.embedded(compiled.value), close: () => undefined } }
      : compiled;
  };
  return components.take('policy bundle', { policy, query, cache, verification }, () => {
    const http = createHttpClient({ connectTo });
    const polling = pollBundle({
      http: http.send,
      url,
      headers: token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` },
      intervalMs,
      load,
      file: bundleFile(file, () => randomHex(8)),
      schedule,
      random,
      onChange: (trouble, reasons) => {
        if (trouble === undefined) logger.info({ url }, 'the policy bundle is up to date again');
        else logger.warn({ url, findings: reasons }, trouble);
      },
    });
    const close = async (): Promise<void> => {
      await (await polling).close();
      await http.close();
    };
    return { value: polling, close };
  });
}
