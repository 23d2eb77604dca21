/**
 * `npm run fuzz -- [--runs N] [--seed S] [--from R] [--limit MS]`: mutated policies, queries, inputs, bundles and documents. Exits 1 after a crash
 * or a call above the limit of processor time; `--seed` and `--from` go on where another run ended.
 */
import { type Corpus, loadCorpus } from './corpus.ts';
import { fuzzFilesOnce } from './file-fuzz.ts';
import { fuzzOptions, processorMilliseconds } from './fuzz-options.ts';
import { type Call, type FuzzRun, fuzzOnce } from './fuzz-run.ts';

const PROGRESS_EVERY = 10_000;
const WORST = 10;
/** Every so many runs are about files. */
const FILES_EVERY = 8;

interface Slow extends Call {
  readonly run: number;
  readonly found: FuzzRun;
}

function main(): number {
  const { runs, seed, from, limit } = fuzzOptions();
  const corpus = loadCorpus({ shared: true });
  print(
    `seed ${seed}, runs ${from} to ${from + runs}, ${corpus.sources.length} sources, ${corpus.queries.length} queries`,
  );
  const worst: Slow[] = [];
  let crashes = 0;
  /** Each crash is shown once. */
  const places = new Set<string>();
  let accepted = 0;
  let over = 0;
  let calls = 0;
  for (let run = from; run < from + runs; run += 1) {
    const found = fuzzRun(corpus, seed, run, () => performance.now());
    if (found.accepted) accepted += 1;
    calls += found.calls.length;
    const slow = found.calls.some(({ milliseconds }) => milliseconds > limit / 2)
      ? confirmed(corpus, seed, run, limit)
      : [];
    over += slow.filter(({ milliseconds }) => milliseconds > limit).length;
    worst.push(...slow);
    if (worst.length > WORST) worst.sort((a, b) => b.milliseconds - a.milliseconds).length = WORST;
    if (found.crash !== undefined) {
      crashes += 1;
      const text = describe(found.crash.error);
      const place = text.split('\n', 2).join();
      if (!places.has(place)) print(`CRASH in ${found.crash.what}, run ${run}: ${text}\n${shown(found)}`);
      places.add(place);
    }
    if ((run - from + 1) % PROGRESS_EVERY === 0) {
      print(
        `${run - from + 1} runs, ${accepted} accepted, ${crashes} crashes, ${over} calls above ${limit} ms (go on with --seed ${seed} --from ${run + 1})`,
      );
    }
  }
  for (const each of worst.toSorted((a, b) => b.milliseconds - a.milliseconds)) {
    print(
      `slow ${each.what}: ${each.milliseconds.toFixed(1)} ms of processor time, run ${each.run}\n${shown(each.found)}`,
    );
  }
  print(
    `${runs} runs, ${calls} calls, ${accepted} policies accepted, ${crashes} crashes, ${over} calls above ${limit} ms`,
  );
  return crashes + over === 0 ? 0 : 1;
}

function fuzzRun(corpus: Corpus, seed: number, run: number, elapsed: () => number): FuzzRun {
  return (run % FILES_EVERY === 0 ? fuzzFilesOnce : fuzzOnce)(corpus, seed, run, elapsed);
}

/** A call that took long on the clock runs again, thrice, measured in processor time: the best of them counts. */
function confirmed(corpus: Corpus, seed: number, run: number, limit: number): Slow[] {
  const again = Array.from({ length: 3 }, () => fuzzRun(corpus, seed, run, processorMilliseconds));
  const [first] = again;
  if (first === undefined) return [];
  const best = first.calls.map((call, index) => ({
    ...call,
    milliseconds: Math.min(...again.map(({ calls }) => calls[index]?.milliseconds ?? call.milliseconds)),
    run,
    found: first,
  }));
  return best.filter(({ milliseconds }) => milliseconds > limit / 4);
}

function shown({ source, query, input }: FuzzRun): string {
  return `--- policy\n${source}\n--- query ${query}\n--- input ${JSON.stringify(input)}\n---`;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = main();
