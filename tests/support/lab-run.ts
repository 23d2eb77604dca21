/** `sidegate up` as a user starts it: a process of its own, its events, and what it leaves behind. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { AuditLine } from '../../packages/sidegate/src/lab/audit-feed.ts';
import type { LabEvent } from '../../packages/sidegate/src/lab/event.ts';

const ROOT = path.join(import.meta.dirname, '../..');
export const LAB = path.join(ROOT, 'examples/three-zones');
export const SEED = path.join(ROOT, '../shared/seeds/003');

export interface LabRun extends AsyncDisposable {
  readonly exitCode: number | null;
  readonly events: readonly LabEvent[];
  readonly stdout: string;
  readonly stderr: string;
  /** The lab's root directory; gone after disposal. */
  readonly state: string;
}

export interface StartedLab extends AsyncDisposable {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly state: string;
  /** Resolves with all of its standard output as soon as that matches. */
  until(pattern: RegExp): Promise<string>;
}

/** One whole run of our own lab. */
export const runLab = (...args: readonly string[]): Promise<LabRun> => upOnce(LAB, ...args);

/** One whole run with `--once --json`. */
export async function upOnce(directory: string, ...args: readonly string[]): Promise<LabRun> {
  const { state, remove } = scratch();
  const child = spawnUp([directory, '--once', '--json', '--state', state, ...args]);
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  const events = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LabEvent]));
  return {
    exitCode: exitCode as number | null,
    events,
    stdout,
    stderr,
    state,
    [Symbol.asyncDispose]: async () => remove(),
  };
}

/** A lab that stays up. */
export function startLab(directory: string, ...args: readonly string[]): StartedLab {
  const { state, remove } = scratch();
  const child = spawnUp([directory, '--state', state, ...args]);
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString('utf8');
  });
  const closed = once(child, 'close');
  const until = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(output)) {
      const ended = await Promise.race([once(child.stdout, 'data').then(() => false), closed.then(() => true)]);
      if (ended && !pattern.test(output))
        throw new Error(`it ended before it said ${pattern}:\n${output}\n${complaints}`);
    }
    return output;
  };
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await closed;
    remove();
  };
  return { child, state, until, [Symbol.asyncDispose]: dispose };
}

/** What a service recorded, oldest first. */
export function auditTrail({ state }: Pick<LabRun, 'state'>, service: string): AuditLine[] {
  return records(state, service, 'request') as unknown as AuditLine[];
}

/** The short records of who touched what, oldest first. */
export function accessTrail({ state }: Pick<LabRun, 'state'>, service: string): Readonly<Record<string, unknown>>[] {
  return records(state, service, 'access');
}

function records(state: string, service: string, event: string): Record<string, unknown>[] {
  return readFileSync(path.join(state, `var/log/${service}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Whether a process of that number still runs. */
export function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function spawnUp(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  const command = path.join(ROOT, 'packages/sidegate/src/cli/main.ts');
  return spawn(process.execPath, ['--conditions=@sidegate/source', command, 'up', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function scratch(): { readonly state: string; readonly remove: () => void } {
  const state = mkdtempSync(path.join(tmpdir(), 'sidegate-lab-'));
  return { state, remove: () => rmSync(state, { recursive: true, force: true }) };
}
