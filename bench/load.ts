/** One round of load by wrk over mutual TLS, on its own core, with the CPU that the peer spent on it. */
import { spawn } from 'node:child_process';
import { cpuMicros } from './cpu.ts';
import type { Peer } from './peer.ts';

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly core: number;
  readonly token: string;
  /** Shared object of client-cert.c, and the PEM that it loads. */
  readonly shim: string;
  readonly clientPem: string;
}

export interface Round {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest: number;
}

/** @throws Error when any answer was not 200, since a round with refusals measures something else */
export async function runRound(peer: Peer, options: LoadOptions): Promise<Round> {
  const { pid } = peer.process;
  if (pid === undefined) throw new Error(`${peer.name} is not running`);
  const before = cpuMicros(pid);
  const report = await wrk(peer, options);
  const spent = cpuMicros(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(report)?.[1] ?? 0);
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1];
  if (requests === 0 || refused !== undefined) throw new Error(`${peer.name} did not answer every request:\n${report}`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1] ?? 0);
  return { requests, requestsPerSecond: perSecond, cpuMicrosPerRequest: spent / requests };
}

function wrk(peer: Peer, options: LoadOptions): Promise<string> {
  const size = `-t 1 -c ${options.connections} -d ${options.seconds}s`.split(' ');
  const header = `Authorization: Bearer ${options.token}`;
  const url = `https://127.0.0.1:${peer.port}/orders/42`;
  const args = ['-c', String(options.core), 'wrk', ...size, '-H', header, url];
  const env = { ...process.env, LD_PRELOAD: options.shim, CLIENT_PEM: options.clientPem };
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
