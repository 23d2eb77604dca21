/** Who decides in the decision scenario: our compiled JavaScript, OPA's WebAssembly on Node, and OPA itself in Go. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { compile, type Policy, type Value } from '@sidegate/rego';
import { type DecisionCase, POLICIES } from './decision-inputs.ts';

/** One prepared decision; the answer is returned so that nobody optimises it away. */
export type Decide = () => unknown;

export function compilePolicies(): Policy {
  const modules = readdirSync(POLICIES)
    .filter((name) => name.endsWith('.rego') && !name.endsWith('_test.rego'))
    .map((file) => ({ file, text: readFileSync(path.join(POLICIES, file), 'utf8') }));
  return compiled(modules);
}

export function compiled(
  modules: readonly { readonly file: string; readonly text: string }[],
  data: Value = {},
): Policy {
  const result = compile(modules, { data });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  return result.policy;
}

export function ours(policy: Policy, { query, input }: Pick<DecisionCase, 'query' | 'input'>): Decide {
  const decide = policy.prepare(query);
  return () => decide(input as Value);
}

/** @param opa the binary that builds the WebAssembly */
export async function wasm(opa: string, { query, input }: DecisionCase): Promise<Decide> {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-wasm-'));
  try {
    const bundle = path.join(directory, 'bundle.tar.gz');
    const entrypoint = query.replace(/^data\./, '').replaceAll('.', '/');
    execFileSync(opa, ['build', '-t', 'wasm', '-e', entrypoint, '--ignore', '*_test.rego', '-o', bundle, POLICIES]);
    execFileSync('tar', ['-xzPf', bundle, '--transform', `s,^/,${directory}/,`, '/policy.wasm']);
    // The package leaves the clock to its host.
    const clock = { 'time.now_ns': () => Date.now() * 1_000_000 };
    const policy = await loadPolicy(readFileSync(path.join(directory, 'policy.wasm')), {}, clock);
    return () => policy.evaluate(input, entrypoint);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** @returns nanoseconds: the median that OPA's own timer around the evaluation reports, without reading the input */
export function inProcessNanos(opa: string, { query, input }: DecisionCase): number {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-opa-'));
  try {
    const file = path.join(directory, 'input.json');
    writeFileSync(file, JSON.stringify(input));
    const args = ['bench', '--format', 'json', '--metrics', '--count', '3', '-d', POLICIES, '-i', file, query];
    const printed = execFileSync(opa, args, { encoding: 'utf8' });
    const medians = [...printed.matchAll(/"histogram_timer_rego_query_eval_ns_median": ([\d.]+)/g)].map(([, nanos]) =>
      Number(nanos),
    );
    return medians.sort((a, b) => a - b)[medians.length >> 1] ?? Number.NaN;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
