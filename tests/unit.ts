/** `npm run test:unit`: the tests beside the sources and those that start nothing, in two processes, each of which has every other file. */
import { runBeside } from './support/beside.ts';
import './support/compile-cache.ts';

const SHARDS = ['1/2', '2/2'];
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

await runBeside(SHARDS.map((shard) => [...OPTIONS, `--test-shard=${shard}`, ...FILES]));
