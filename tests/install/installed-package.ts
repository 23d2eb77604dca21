/** The packages as users have them: packed, and installed from their tarballs into a folder that knows nothing else. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** A registry that does not answer is asked again soon, not after five minutes. */
export const PATIENCE: readonly string[] = [
  '--prefer-offline',
  '--fetch-timeout=10000',
  '--fetch-retries=4',
  '--fetch-retry-mintimeout=500',
];
/** A registry may be slow to answer now and then. */
export const TIMEOUT_MS = 240_000;

export interface Run {
  /** -1 when it did not end by itself. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InstalledPackages extends Disposable {
  readonly directory: string;
  /** What npm put there for the command `sidegate`. */
  readonly command: string;
  /** Runs a program in the folder, with the Node that runs this. */
  run(program: string, ...args: string[]): Promise<Run>;
  write(name: string, content: string): void;
}

/** Needs what `npm run build` makes; what the packages depend on comes from npm's cache or registry. */
export async function installPackages(): Promise<InstalledPackages> {
  const base = mkdtempSync(path.join(tmpdir(), 'sidegate-install-'));
  const [tarballs, directory] = [path.join(base, 'tarballs'), path.join(base, 'project')];
  for (const folder of [tarballs, directory]) mkdirSync(folder);
  const remove = (): void => rmSync(base, { recursive: true, force: true });
  const write = (name: string, content: string): void => writeFileSync(path.join(directory, name), content);
  try {
    expectSuccess(await runIn(ROOT, 'npm', ['pack', '--workspaces', '--pack-destination', tarballs]));
    write('package.json', '{ "private": true, "type": "module" }');
    const files = readdirSync(tarballs).map((file) => path.join(tarballs, file));
    expectSuccess(await runIn(directory, 'npm', ['install', ...PATIENCE, '--no-audit', '--no-fund', ...files]));
  } catch (error) {
    remove();
    throw error;
  }
  return {
    directory,
    command: path.join(directory, 'node_modules/.bin/sidegate'),
    run: (program, ...args) => runIn(directory, program, args),
    write,
    [Symbol.dispose]: remove,
  };
}

/** Nothing of the script that runs this is inherited: npm tells its scripts where their own project is. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(?:NODE_|npm_(?!config_(?:registry|cache)$))/.test(name),
  );
  const PATH = [path.dirname(process.execPath), process.env['PATH']].join(path.delimiter);
  return { ...Object.fromEntries(inherited), PATH };
}

async function runIn(cwd: string, program: string, args: readonly string[]): Promise<Run> {
  const env = ownEnvironment();
  try {
    return { code: 0, ...(await promisify(execFile)(program, args, { cwd, env, timeout: TIMEOUT_MS })) };
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error) || !('stderr' in error) || !('code' in error)) throw error;
    return {
      code: typeof error.code === 'number' ? error.code : -1,
      stdout: String(error.stdout),
      stderr: String(error.stderr),
    };
  }
}

function expectSuccess({ code, stdout, stderr }: Run): void {
  if (code !== 0) throw new Error(`npm ended with ${code}:\n${stdout}\n${stderr}`);
}
