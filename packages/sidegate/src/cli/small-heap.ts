/**
 * How large V8 lets this process grow. Its defaults suit programs that compute: they leave tens of MiB of dead objects lying
 * about before they look. A proxy makes the same small objects over and over, so that little room is enough at no cost.
 *
 * V8 reads the size of the young generation from its command line only. But it asks for the growth factor each time it would grow,
 * and so a running process can stop there, however it was started.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Two halves of 1 MiB are too small for the requests under way, which then count as old: `docs/performance.md`. */
const BEGINNING_BYTES = 2 * 1_048_576;
const GROWTH_FACTOR = 4;
/** The old generation is collected when it has grown by half; V8 would let it grow by three to four times. */
const OLD_GENERATION_GROWTH_PERCENT = 50;

/** To be called before anything else is loaded. */
export function limitHeap(): void {
  growYoungGenerationOnce();
  setFlagsFromString(`--heap-growing-percent=${OLD_GENERATION_GROWTH_PERCENT}`);
}

/** To be called when everything is loaded: what that left behind goes, and growth counts from what remains. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}

/** It grows when more survives a collection than half of it holds. */
function growYoungGenerationOnce(): void {
  setFlagsFromString(`--semi-space-growth-factor=${GROWTH_FACTOR}`);
  const survivors: object[] = [];
  for (let round = 0; round < MOST_ROUNDS && youngBytes() <= BEGINNING_BYTES; round += 1) {
    for (let n = 0; n < SURVIVORS_A_ROUND; n += 1) survivors.push([n]);
  }
  setFlagsFromString('--semi-space-growth-factor=1');
}

const SURVIVORS_A_ROUND = 2_000;
/** Some ten are needed. */
const MOST_ROUNDS = 200;

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
