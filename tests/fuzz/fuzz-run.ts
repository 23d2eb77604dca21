/** One run of the fuzzer: a mutated policy and query, compiled and evaluated with a mutated input. */
import { compile, EvaluationError, type Policy, toJson, type Value } from '@sidegate/rego';
import type { Corpus } from './corpus.ts';
import { mutatedText, mutatedValue } from './mutate.ts';
import { runSeed, SeededRandom } from './seeded-random.ts';

/** What a fuzzed evaluation may do: enough for every case of the corpus, and a bound on what a mutation may ask for. */
const LIMITS = { steps: 20_000, milliseconds: 40 };
const WHOLE_PACKAGE = /^package[ \t]+([\w.]+)/m;

export interface Call {
  readonly what: 'read' | 'compile' | 'query' | 'evaluate';
  readonly milliseconds: number;
}

export interface Crash {
  readonly what: Call['what'];
  readonly error: unknown;
}

export interface FuzzRun {
  readonly source: string;
  readonly query: string;
  readonly input: Value;
  readonly accepted: boolean;
  readonly calls: readonly Call[];
  readonly crash: Crash | undefined;
}

/** `elapsed` answers in milliseconds; of what, the caller knows. */
export function fuzzOnce(corpus: Corpus, seed: number, run: number, elapsed: () => number): FuzzRun {
  const random = new SeededRandom(runSeed(seed, run));
  const original = random.pick(corpus.sources);
  const source = random.chance(0.1) ? original : mutatedText(random, original, random.pick(corpus.sources));
  const query = queryOf(random, corpus, source);
  const input = mutatedValue(random, random.pick(corpus.inputs));
  const calls: Call[] = [];
  let what: Call['what'] = 'compile';
  const timed = <T>(name: Call['what'], call: () => T): T => {
    what = name;
    const before = elapsed();
    try {
      return call();
    } finally {
      calls.push({ what: name, milliseconds: elapsed() - before });
    }
  };
  const found = (accepted: boolean, crash?: Crash): FuzzRun => ({ source, query, input, accepted, calls, crash });
  try {
    const backend = random.chance(0.5) ? 'generated' : 'closures';
    const version = random.chance(0.8) ? 'v1' : 'v0';
    const result = timed('compile', () =>
      compile([{ file: 'f.rego', text: source }], { backend, version, limits: LIMITS }),
    );
    if (!result.ok) {
      if (result.diagnostics.length === 0) throw new Error('refused without a diagnostic');
      return found(false);
    }
    evaluate(result.policy, query, input, timed);
    return found(true);
  } catch (error) {
    return found(false, { what, error });
  }
}

function queryOf(random: SeededRandom, corpus: Corpus, source: string): string {
  const path = WHOLE_PACKAGE.exec(source)?.[1];
  if (path !== undefined && random.chance(0.8)) return `x = data.${path}`;
  const query = random.pick(corpus.queries);
  return random.chance(0.5) ? query : mutatedText(random, query, random.pick(corpus.queries));
}

function evaluate(
  policy: Policy,
  query: string,
  input: Value,
  timed: <T>(name: Call['what'], call: () => T) => T,
): void {
  const prepared = timed('query', () => policy.results(query));
  if (!prepared.ok) return;
  try {
    const results = timed('evaluate', () => prepared.evaluate(input));
    for (const { bindings } of results) toJson(bindings);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
  }
}
