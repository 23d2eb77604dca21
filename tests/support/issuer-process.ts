/** `sidegate idp` or `sidegate authority` as its own process, as a user starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { compileCache } from './compile-cache.ts';

const COMMAND = path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');

type Environment = Readonly<Record<string, string>>;

export interface IssuerProcess extends AsyncDisposable {
  /** From the line `{"event":"listening"}`; undefined when the process ended instead. */
  readonly url: string | undefined;
  readonly port: number;
  stdout(): string;
  stderr(): string;
  /** Ends it as `kill -9` does, and waits. */
  kill(): Promise<void>;
  /** Sends SIGTERM, unless it has ended, and waits. */
  end(): Promise<number | null>;
}

/** Resolves when it listens or has ended. */
export function startIdpProcess(args: readonly string[], env: Environment = {}): Promise<IssuerProcess> {
  return startProcess(['idp', ...args], env);
}

/** Resolves when it listens or has ended. */
export function startAuthorityProcess(args: readonly string[], env: Environment = {}): Promise<IssuerProcess> {
  return startProcess(['authority', ...args], env);
}

async function startProcess(args: readonly string[], env: Environment): Promise<IssuerProcess> {
  const child = spawn(process.execPath, ['--conditions=@sidegate/source', COMMAND, ...args], {
    env: { PATH: process.env['PATH'], ...compileCache(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  let stdout = '';
  let stderr = '';
  const listening = Promise.withResolvers<string>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    const [, url] = /"event":"listening","url":"([^"]+)"/.exec(stdout) ?? [];
    if (url !== undefined) listening.resolve(url);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const end = async () => {
    child.kill('SIGTERM');
    await exited;
    return child.exitCode;
  };
  const url = await Promise.race([listening.promise, exited.then(() => undefined)]);
  return {
    url,
    port: url === undefined ? 0 : Number(new URL(url).port),
    stdout: () => stdout,
    stderr: () => stderr,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}
