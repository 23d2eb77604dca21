/** A server of others as a process: started, waited for until it listens, ended with its files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { Folder } from './foreign-program.ts';

export interface ServerProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where it will listen. */
  readonly port: number;
  /** Its own, gone when it ends. */
  readonly folder: Folder;
}

const START_ATTEMPTS = 500;
const MAX_COMPLAINTS = 2_000;

/** @throws Error with what it complained of when it does not listen */
export async function startServer({ name, command, args, port, folder }: ServerProgram): Promise<AsyncDisposable> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.on('error', ({ message }) => (complaints += message));
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-MAX_COMPLAINTS)));
  const dispose = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    folder[Symbol.dispose]();
  };
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    if (await listens(port)) return { [Symbol.asyncDispose]: dispose };
    if (child.pid === undefined || child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await dispose();
  throw new Error(`${name} does not start: ${complaints}`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const told = (open: boolean) => (): void => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', told(true)).once('error', told(false));
  });
}
