/** Runs a script of `generators/` on the load generator's core. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { LOAD_CORE } from './cores.ts';
import type { BenchFiles } from './files.ts';
import type { Peer } from './peer.ts';

type GeneratorName = 'rate' | 'idle' | 'stream';

/** @returns what it printed */
export async function runGenerator(
  name: GeneratorName,
  peer: Peer,
  files: BenchFiles,
  ...told: readonly string[]
): Promise<string> {
  const child = spawnGenerator(name, peer, files, told);
  child.stdin?.end();
  const ended = endOf(child);
  const printed = child.stdout === null ? '' : await text(child.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`${name} on ${peer.name} ended with ${code}`);
  return printed;
}

/** Connections that stay open until disposed. */
export async function holdIdle(peer: Peer, files: BenchFiles, count: number): Promise<AsyncDisposable> {
  const child = spawnGenerator('idle', peer, files, [String(count)]);
  const ended = endOf(child);
  const ready = new Promise<boolean>((resolve) => child.stdout?.once('data', () => resolve(true)));
  const held = await Promise.race([ready, ended.then(() => false)]);
  if (!held) throw new Error(`${peer.name} does not take ${count} connections`);
  return {
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await ended;
    },
  };
}

function spawnGenerator(name: GeneratorName, peer: Peer, files: BenchFiles, told: readonly string[]): ChildProcess {
  const script = path.join(import.meta.dirname, 'generators', `${name}.ts`);
  const target = [String(peer.port), files.ca, files.clientPem, files.token];
  const args = ['-c', String(LOAD_CORE), process.execPath, script, ...target, ...told];
  return spawn('taskset', args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}
