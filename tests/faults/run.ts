/** `npm run test:faults [-- --full] [word…]`: rows of files whose name has one of the words, or all of them; `--full` at their whole length. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import '../support/compile-cache.ts';

const words = process.argv.slice(2).filter((word) => word !== '--full');
const full = process.argv.includes('--full');
const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && (words.length === 0 || words.some((word) => name.includes(word))))
  .map((name) => path.join(import.meta.dirname, name));
if (files.length === 0) {
  process.stderr.write(`no file of tests/faults has ${words.join(' or ')} in its name\n`);
  process.exit(64);
}
// At its whole length a row has the machine for itself.
const options = [
  '--conditions=@sidegate/source',
  '--test',
  '--test-reporter=spec',
  `--test-concurrency=${full ? 1 : 2}`,
];
const { status } = spawnSync(process.execPath, [...options, ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...(full ? { FAULTS: 'full' } : {}) },
});
process.exitCode = status ?? 1;
