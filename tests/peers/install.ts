/**
 * `npm run test:peers` begins here: builds the real OPA with the Go tool chain, unless it is there already.
 * Without a tool chain the tests skip visibly; in CI that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { BIN_FOLDER, OPA_PACKAGE, opaBinary } from './opa-binary.ts';

function install(): number {
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

function say(status: number, line: string): number {
  (status === 0 ? process.stdout : process.stderr).write(`${line}\n`);
  return status;
}

process.exitCode = install();
