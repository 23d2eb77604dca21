/** `sidegate sidecar` as its own process, as a user starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { compileCache } from './compile-cache.ts';

const COMMAND = [
  process.execPath,
  '--conditions=@sidegate/source',
  path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts'),
] as const;

export interface SidecarProcess extends AsyncDisposable {
  /** The line `{"event":"listening"}`; undefined when the process ended instead. */
  readonly listening: { readonly ingress?: string; readonly egress?: string; readonly admin?: string } | undefined;
  readonly pid: number | undefined;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Nobody reads its standard output from now on. */
  closeStdout(): void;
  /** Sends the signal, unless the process has ended, and waits for its exit code. */
  end(signal?: 'SIGTERM' | 'SIGINT'): Promise<number | null>;
}

/**
 * Resolves when it listens or has ended.
 *
 * @param command the `sidegate` command; default: from source
 */
export async function startSidecarProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  [executable, ...options]: readonly [executable: string, ...options: string[]] = COMMAND,
): Promise<SidecarProcess> {
  const child = spawn(executable, [...options, 'sidecar', ...args], {
    env: { PATH: process.env['PATH'], ...compileCache(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  const output = { stdout: '', stderr: '' };
  const listening = Promise.withResolvers<SidecarProcess['listening']>();
  let heard = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output.stdout += chunk;
    if (heard) return;
    const line = output.stdout.split('\n').find((text) => text.includes('"event":"listening"') && text.endsWith('}'));
    if (line === undefined) return;
    heard = true;
    listening.resolve(JSON.parse(line) as SidecarProcess['listening']);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output.stderr += chunk;
  });
  const end: SidecarProcess['end'] = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    listening: await Promise.race([listening.promise, exited.then(() => undefined)]),
    pid: child.pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (name) => void child.kill(name),
    closeStdout: () => void child.stdout.destroy(),
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}
