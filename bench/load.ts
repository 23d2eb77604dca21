/** One round of load by wrk, on its own core, with the CPU that the peer spent on it. */
import { spawn } from 'node:child_process';
import { readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { LOAD_CORE } from './cores.ts';
import { cpuMicros } from './cpu.ts';
import type { BenchFiles } from './files.ts';
import type { Peer } from './peer.ts';

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  /** Default: `/orders/42`. */
  readonly path?: string;
  /** Default: mutual TLS. */
  readonly scheme?: 'http' | 'https';
  readonly headers?: Readonly<Record<string, string>>;
  /** A file of `wrk/`, and what it is told. */
  readonly script?: readonly [file: string, ...args: string[]];
}

export interface Round {
  readonly requests: number;
  readonly cpuMicrosPerRequest: number;
  /** Of the process that worked most: what bounds the throughput when each has a core of its own. */
  readonly busiestMicrosPerRequest: number;
}

/**
 * @throws Error when any answer was not 200, since a round with refusals measures something else; a round without an answer is
 * one that others took the machine from, and is repeated
 */
export async function runRound(peer: Peer, files: BenchFiles, load: Load, tries = TRIES): Promise<Round> {
  const { pid } = peer.process;
  if (pid === undefined) throw new Error(`${peer.name} is not running`);
  const before = cpuMicros(pid);
  const report = await wrk(peer, files, load);
  const spent = Array.from(cpuMicros(pid), ([process, micros]) => micros - (before.get(process) ?? 0));
  const requests = Number(/(\d+) requests in/.exec(report)?.[1] ?? 0);
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1];
  if (requests === 0 && tries > 1) return runRound(peer, files, load, tries - 1);
  if (requests === 0 || refused !== undefined) {
    throw new Error(`${peer.name} did not answer every request:\n${report}\n${lastWordOf(peer)}`);
  }
  if (peer.log !== undefined) truncateSync(peer.log);
  const all = spent.reduce((sum, micros) => sum + micros, 0);
  return { requests, cpuMicrosPerRequest: all / requests, busiestMicrosPerRequest: Math.max(...spent) / requests };
}

const TRIES = 4;

/** @returns how many requests were refused, all of them @throws Error when one was not */
export async function runRefused(peer: Peer, files: BenchFiles, load: Load): Promise<number> {
  const report = await wrk(peer, files, load);
  if (peer.log !== undefined) truncateSync(peer.log);
  const requests = /(\d+) requests in/.exec(report)?.[1];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1];
  if (requests !== refused) throw new Error(`${peer.name} did not refuse every request:\n${report}`);
  return Number(requests);
}

/** The last line of its audit trail, which tells why it refused. */
function lastWordOf({ log }: Peer): string {
  return log === undefined ? '' : (readFileSync(log, 'utf8').trimEnd().split('\n').at(-1) ?? '');
}

/** A just-in-time compiler needs requests, not seconds. */
const WARM_REQUESTS = 20_000;
const WARM_ROUNDS = 5;

/** Load of the same kind until the peer has seen enough of it. */
export async function warmUp(peer: Peer, files: BenchFiles, load: Load): Promise<void> {
  let requests = 0;
  for (let round = 0; round < WARM_ROUNDS && requests < WARM_REQUESTS; round += 1) {
    requests += (await runRound(peer, files, { ...load, seconds: 2 })).requests;
  }
}

/** With the token of everyday. */
export function bearer({ token }: BenchFiles): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

function wrk(peer: Peer, files: BenchFiles, load: Load): Promise<string> {
  const { connections, seconds, scheme = 'https', headers = {}, script } = load;
  const [file, ...told] = script ?? [];
  const args = [
    ...`-c ${LOAD_CORE} wrk -t 1 -c ${connections} -d ${seconds}s --timeout 10s`.split(' '),
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...(file === undefined ? [] : ['-s', path.join(import.meta.dirname, 'wrk', file)]),
    `${scheme}://127.0.0.1:${peer.port}${load.path ?? '/orders/42'}`,
    ...(told.length === 0 ? [] : ['--', ...told]),
  ];
  const env = { ...process.env, LD_PRELOAD: files.shim, CLIENT_PEM: files.clientPem };
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`wrk ended with ${code}: ${output}`)),
    );
  });
}
