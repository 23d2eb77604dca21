/** Programs of others, run as their users run them, while servers of this process answer them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestCertificate } from '../support/certificates.ts';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param input what it reads on standard input, piece by piece */
export async function runProgram(
  program: string,
  args: readonly string[],
  input: readonly (string | Buffer)[] = [],
): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  for (const piece of input) child.stdin.write(piece);
  child.stdin.end();
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code as number | null, stdout, stderr };
}

/** For node:test: why tests with a program are skipped. In CI they are not, and fail without it. */
export function withoutProgram(program: string, versionOption = '--version'): string | false {
  const there = spawnSync(program, [versionOption], { stdio: 'ignore' }).error === undefined;
  return there || process.env['CI'] === 'true' ? false : `there is no ${program}`;
}

export interface Folder extends Disposable {
  readonly directory: string;
  /** Writes a file for its owner only and hands back its path. */
  file(name: string, content: string | Buffer): string;
  /** Certificate and key as two files. */
  pair(
    name: string,
    certificate: Pick<TestCertificate, 'certPem' | 'keyPem'>,
  ): { readonly cert: string; readonly key: string };
}

export function makeFolder(): Folder {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-foreign-'));
  const file: Folder['file'] = (name, content) => {
    const target = path.join(directory, name);
    writeFileSync(target, content, { mode: 0o600 });
    return target;
  };
  return {
    directory,
    file,
    pair: (name, { certPem, keyPem }) => ({ cert: file(`${name}.crt`, certPem), key: file(`${name}.key`, keyPem) }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
