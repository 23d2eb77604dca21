/** The real OPA's commands, run to their end. */
import { spawnSync } from 'node:child_process';
import { opaBinary } from './opa-binary.ts';

export interface OpaRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param cwd where relative paths begin */
export function runOpa(args: readonly string[], cwd: string): OpaRun {
  const binary = opaBinary();
  if (binary === undefined) throw new Error('the real OPA is not installed: npm run test:peers installs it');
  const { status, stdout, stderr } = spawnSync(binary, args, { cwd, encoding: 'utf8', timeout: 60_000 });
  return { code: status, stdout, stderr };
}
