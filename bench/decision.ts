/** The decision scenario: one decision of each example policy, in interleaved rounds; then how cost and memory grow. */
import { execFileSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Value } from '@sidegate/rego';
import { decisionCases, methodPolicy, routePolicy, TABLE_POLICY } from './decision-inputs.ts';
import { compiled, compilePolicies, type Decide, inProcessNanos, ours, wasm } from './decision-peers.ts';
import { type Summary, summarize } from './stats.ts';

export interface DecisionRow {
  readonly name: string;
  /** Nanoseconds a decision. */
  readonly ours: Summary;
  /** Of the same rounds; undefined where the machine has no `opa`. */
  readonly wasm: Summary | undefined;
  /** Theirs over ours in the same round. */
  readonly wasmRatio: Summary | undefined;
  readonly opaNanos: number | undefined;
}

export interface GrowthRow {
  readonly name: string;
  readonly value: string;
}

export interface DecisionReport {
  readonly rows: readonly DecisionRow[];
  readonly growth: readonly GrowthRow[];
}

export interface DecisionOptions {
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

const OURS_BATCH = 2_000;
const WASM_BATCH = 100;

export async function measureDecisions({ rounds, progress }: DecisionOptions): Promise<DecisionReport> {
  const opa = opaBinary();
  if (opa === undefined) progress('no opa binary (PATH or OPA): OPA and opa-wasm are not measured');
  const policy = compilePolicies();
  const rows: DecisionRow[] = [];
  for (const decision of decisionCases(Math.floor(Date.now() / 1000))) {
    progress(decision.name);
    const mine = ours(policy, decision);
    const theirs = opa === undefined ? undefined : await wasm(opa, decision);
    const { own, other, ratio } = interleave(mine, theirs, rounds);
    const opaNanos = opa === undefined ? undefined : inProcessNanos(opa, decision);
    rows.push({ name: decision.name, ours: own, wasm: other, wasmRatio: ratio, opaNanos });
  }
  progress('growth');
  return { rows, growth: growth() };
}

function interleave(mine: Decide, theirs: Decide | undefined, rounds: number) {
  const own: number[] = [];
  const other: number[] = [];
  batch(mine, OURS_BATCH * 10);
  if (theirs !== undefined) batch(theirs, WASM_BATCH * 10);
  for (let round = 0; round < rounds; round += 1) {
    own.push(batch(mine, OURS_BATCH));
    if (theirs !== undefined) other.push(batch(theirs, WASM_BATCH));
  }
  return {
    own: summarize(own),
    other: theirs === undefined ? undefined : summarize(other),
    ratio:
      theirs === undefined ? undefined : summarize(other.map((nanos, round) => nanos / (own[round] ?? Number.NaN))),
  };
}

/** @returns nanoseconds a call */
function batch(decide: Decide, count: number): number {
  const began = process.hrtime.bigint();
  for (let i = 0; i < count; i += 1) decide();
  return Number(process.hrtime.bigint() - began) / count;
}

/** Cost of one decision among 10 and among 1,000 rules, of a compilation, and of keeping a policy. */
function growth(): GrowthRow[] {
  const cost = (text: string, input: object, data: Value = {}): number => {
    const policy = compiled([{ file: 'routes.rego', text }], data);
    const decide = ours(policy, { query: 'data.routes.allow', input });
    return interleave(decide, undefined, 31).own.median;
  };
  const route = (rules: number): number => cost(routePolicy(rules), { path: `/route-${rules - 1}`, method: 'GET' });
  const method = (rules: number): number =>
    cost(methodPolicy(rules), { path: `/route-${(rules >> 2) - 1}`, method: 'DELETE' });
  const table = (users: number): number => {
    const entries = Array.from({ length: users }, (_, i) => [`user-${i}`, { roles: ['admin'] }] as const);
    return cost(TABLE_POLICY, { user: `user-${users - 1}` }, { users: Object.fromEntries(entries) });
  };
  const compilations = Array.from({ length: 15 }, () => {
    const began = performance.now();
    compilePolicies().prepare('data.order.allow');
    return performance.now() - began;
  });
  return [
    ...grown('the last of 10 rules by path', route(10), 'of 1,000', route(1_000)),
    ...grown('the last of 12 rules by method and path', method(12), 'of 1,000', method(1_000)),
    ...grown('a user among 10 in data', table(10), 'among 100,000', table(100_000)),
    { name: 'compile the four policies', value: `${summarize(compilations).median.toFixed(1)} ms` },
    { name: 'memory of the four policies', value: `${(memoryOfAPolicy() / 1024).toFixed(0)} KiB` },
  ];
}

function grown(name: string, few: number, moreName: string, many: number): GrowthRow[] {
  return [
    { name, value: `${few.toFixed(0)} ns` },
    { name: `… ${moreName}`, value: `${many.toFixed(0)} ns (${(many / few).toFixed(2)} ×)` },
  ];
}

function memoryOfAPolicy(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept: unknown[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20; i += 1) {
    const policy = compilePolicies();
    policy.prepare('data.order.allow');
    kept.push(policy);
  }
  collect();
  return (process.memoryUsage().heapUsed - before) / kept.length;
}

function opaBinary(): string | undefined {
  const named = process.env['OPA'] ?? 'opa';
  try {
    execFileSync(named, ['version'], { stdio: 'ignore' });
    return named;
  } catch {
    return undefined;
  }
}
