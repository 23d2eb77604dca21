/** The real OPA with its REST API on a loopback port, as it runs beside a sidecar. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.ts';
import { opaBinary } from './opa-binary.ts';

export interface OpaRest extends AsyncDisposable {
  readonly url: string;
}

const START_MILLISECONDS = 20_000;

/** @param files policies and data, as on OPA's command line */
export async function startOpaRest(files: readonly string[]): Promise<OpaRest> {
  const binary = opaBinary();
  if (binary === undefined) throw new Error('the real OPA is not installed: npm run test:peers installs it');
  const url = `http://127.0.0.1:${await freePort()}`;
  const flags = ['--addr', url.slice('http://'.length), '--log-level', 'error', '--skip-version-check'];
  const process = spawn(binary, ['run', '--server', ...flags, ...files], { stdio: 'ignore' });
  const end = performance.now() + START_MILLISECONDS;
  while (!(await answers(url))) {
    if (process.exitCode !== null || performance.now() > end) throw new Error('the real OPA does not answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, [Symbol.asyncDispose]: () => ended(process) };
}

async function ended(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = once(process, 'exit');
  process.kill('SIGKILL');
  await exit;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}
