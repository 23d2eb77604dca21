/**
 * Does what the Dockerfile says, in folders: each stage is one, COPY copies what .dockerignore lets in, RUN runs. There is no
 * base image, so Node and npm are this machine's. Enough to see that every step works and what the image then holds.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ownEnvironment, PATIENCE, TIMEOUT_MS } from './installed-package.ts';

export interface BuiltImage extends Disposable {
  /** Stands for the file system of the last stage. */
  readonly root: string;
  /** Absolute paths below the root. */
  readonly entrypoint: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
}

export async function buildImage(context: string): Promise<BuiltImage> {
  const base = mkdtempSync(path.join(tmpdir(), 'sidegate-image-'));
  const allowed = allowedBy(readFileSync(path.join(context, '.dockerignore'), 'utf8'));
  const stages = new Map<string, Stage>();
  let stage: Stage = { root: base, workdir: '/' };
  let entrypoint: string[] = [];
  const inStage = (file: string): string => path.join(stage.root, path.resolve(stage.workdir, file));

  const copy = (words: readonly string[]): void => {
    const from = /^--from=(.+)$/.exec(words[0] ?? '')?.[1];
    const [target = '', ...sources] = (from === undefined ? words : words.slice(1)).toReversed();
    for (const name of sources) {
      const source = path.join(from === undefined ? context : (stages.get(from)?.root ?? ''), name);
      if (from === undefined && !allowed(name)) throw new Error(`.dockerignore keeps ${name} out`);
      // As Docker does it: what a folder holds is copied, a file goes into a folder that ends in a slash.
      const intoFolder = target.endsWith('/') && statSync(source).isFile();
      const filter = (file: string): boolean => from !== undefined || allowed(path.relative(context, file));
      cpSync(source, intoFolder ? path.join(inStage(target), path.basename(name)) : inStage(target), {
        recursive: true,
        verbatimSymlinks: true,
        filter,
      });
    }
  };

  for (const line of instructionsOf(readFileSync(path.join(context, 'Dockerfile'), 'utf8'))) {
    const [, word = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? [];
    const words = rest.split(' ');
    if (word === 'FROM') {
      const name = words[2] ?? 'last';
      stage = { root: path.join(base, name), workdir: '/' };
      stages.set(name, stage);
    } else if (word === 'WORKDIR') {
      stage.workdir = path.resolve(stage.workdir, rest);
      mkdirSync(inStage('.'), { recursive: true });
    } else if (word === 'COPY') copy(words);
    else if (word === 'RUN') await run(words, inStage('.'));
    else if (word === 'ENTRYPOINT') entrypoint = JSON.parse(rest) as string[];
    else if (!['ARG', 'ENV', 'USER', 'EXPOSE', 'CMD'].includes(word)) throw new Error(`unknown instruction: ${line}`);
  }
  const { root } = stage;
  return {
    root,
    entrypoint: entrypoint.map((each) => (each.startsWith('/') ? path.join(root, each) : each)),
    [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }),
  };
}

function instructionsOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** `*` first, then `!name` for what gets in, then `**\/name` for what does not. */
function allowedBy(text: string): (file: string) => boolean {
  const lines = instructionsOf(text);
  const named = new Set(lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1)));
  const kept = lines.filter((line) => line.startsWith('**/')).map((line) => line.slice(3));
  return (file) => {
    const parts = file.split(path.sep);
    const out = parts.some((part) =>
      kept.some((rule) => (rule.startsWith('*') ? part.endsWith(rule.slice(1)) : part === rule)),
    );
    return named.has(parts[0] ?? '') && !out;
  };
}

async function run([program = '', ...args]: readonly string[], cwd: string): Promise<void> {
  const more = program === 'npm' && args[0] === 'ci' ? PATIENCE : [];
  await promisify(execFile)(program, [...args, ...more], { cwd, env: ownEnvironment(), timeout: TIMEOUT_MS });
}
