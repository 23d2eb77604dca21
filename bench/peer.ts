/** A program under load: how it starts, where it listens, and what it does of the whole job. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import net from 'node:net';

export interface Peer {
  readonly name: string;
  /** What it does, in one line for the table. */
  readonly job: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Where its standard output goes, emptied between rounds; for who writes an audit trail. */
  readonly log?: string;
}

export interface PeerCommand {
  readonly name: string;
  readonly job: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long its start may take. Default: 10 s. */
  readonly patienceMs?: number;
  /** The core it is pinned to. */
  readonly core: number;
  /** Where its standard output goes; by default nowhere. */
  readonly output?: { readonly file: string; readonly descriptor: number };
}

/** A sidecar that was profiled writes its profile first. */
const STOP_MS = 10_000;

/** Those that still run: a measurement that is interrupted takes them along. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/** Starts it pinned to its core and waits until its port accepts connections. */
export async function startPeer(options: PeerCommand): Promise<Peer> {
  const { name, job, port, core, command, args, env = {}, output, patienceMs = 10_000 } = options;
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', output?.descriptor ?? 'ignore', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  if (output !== undefined) closeSync(output.descriptor);
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4096);
  });
  for (let attempt = 0; attempt < patienceMs / 50; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended at its start: ${complaints}`);
    if (await accepts(port)) return { name, job, port, process: child, ...(output && { log: output.file }) };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`${name} does not listen on ${port}: ${complaints}`);
}

export async function stopPeer({ process: child }: Peer): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(cut);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
