/**
 * `npm run fuzz:http -- [--runs N] [--seed S] [--from R] [--limit MS]`: damaged messages against the HTTP front. Exits 1 after a crash, a message that
 * Node's strict reader takes for another one, or a call above the limit of processor time.
 */
import { fuzzOptions, processorMilliseconds } from './fuzz-options.ts';
import { fuzzHttpOnce, type HttpRun } from './http-run.ts';

const PROGRESS_EVERY = 50_000;

const { runs, seed, from, limit } = fuzzOptions();
const counts = { accepted: 0, messages: 0, crashes: 0, ambiguous: 0, slow: 0 };
print(`seed ${seed}, runs ${from} to ${from + runs}`);
for (let run = from; run < from + runs; run += 1) {
  const found = await fuzzHttpOnce(seed, run, () => performance.now());
  if (found.ours.length > 0) counts.accepted += 1;
  counts.messages += found.ours.length;
  if (found.crash !== undefined) report('crashes', run, found, found.crash);
  if (found.ambiguous !== undefined) report('ambiguous', run, found, found.theirs);
  if (found.milliseconds > limit && (await isSlow(run))) report('slow', run, found, found.milliseconds);
  if ((run - from + 1) % PROGRESS_EVERY === 0) print(`${run - from + 1} runs, ${JSON.stringify(counts)}`);
}
print(
  `${runs} runs: ${counts.messages} messages accepted of ${counts.accepted} inputs, ${counts.crashes} crashes, ` +
    `${counts.ambiguous} ambiguous messages accepted, ${counts.slow} calls above ${limit} ms`,
);
process.exitCode = counts.crashes + counts.ambiguous + counts.slow === 0 ? 0 : 1;

/** A call that took long on the clock runs again, thrice: the best of them counts. */
async function isSlow(run: number): Promise<boolean> {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 3; time += 1) {
    best = Math.min(best, (await fuzzHttpOnce(seed, run, processorMilliseconds)).milliseconds);
  }
  return best > limit;
}

function report(kind: 'crashes' | 'ambiguous' | 'slow', run: number, { text, ours }: HttpRun, detail: unknown): void {
  counts[kind] += 1;
  if (counts[kind] > 5) return;
  const shown = detail instanceof Error ? detail.stack : JSON.stringify(detail);
  print(`${kind} in run ${run}: ${JSON.stringify(text)}\n  ours   ${JSON.stringify(ours)}\n  detail ${shown}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
