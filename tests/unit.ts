/**
 * `npm run test:unit`: the tests beside the sources and those that start nothing, in two processes, each of which has every other
 * file. What the second one prints follows when the first has ended.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import './support/compile-cache.ts';

const SHARDS = 2;
const FILES = [
  'packages/**/*.test.ts',
  'tests/*.test.ts',
  'tests/conformance/*.test.ts',
  'tests/fuzz/*.test.ts',
  'tests/lint/*.test.ts',
];
const OPTIONS = [
  '--conditions=@sidegate/source',
  `--import=${import.meta.resolve('./support/property-seed.ts')}`,
  '--test',
  '--test-timeout=120000',
  '--test-isolation=none',
];

const shards = Array.from({ length: SHARDS }, (_, index) => {
  const child = spawn(process.execPath, [...OPTIONS, `--test-shard=${index + 1}/${SHARDS}`, ...FILES], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const held: Buffer[] = [];
  const hold = (piece: Buffer): void => void held.push(piece);
  child.stdout.on('data', hold);
  const show = (): void => {
    child.stdout.off('data', hold);
    for (const piece of held) process.stdout.write(piece);
    child.stdout.pipe(process.stdout, { end: false });
  };
  return { ended: once(child, 'close') as Promise<[number | null]>, show };
});
for (const { ended, show } of shards) {
  show();
  const [code] = await ended;
  process.exitCode ||= code ?? 1;
}
