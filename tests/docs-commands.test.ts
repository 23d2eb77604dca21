/** Every `sidegate` command that the documentation shows is there, with each of its options. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';

const ROOT = path.join(import.meta.dirname, '..');
const CLI = path.join(ROOT, 'packages/sidegate/src/cli');

/** Name → command, as `main.ts` has them. */
async function commands(): Promise<ReadonlyMap<string, Command>> {
  const main = readFileSync(path.join(CLI, 'main.ts'), 'utf8');
  const found = [...main.matchAll(/\['([a-z]+)', async \(\) => \(await import\('\.\/([a-z-]+\.ts)'\)\)\.(\w+)\(\)\]/g)];
  assert.ok(found.length > 10, 'the table of main.ts is read');
  const loaded = found.map(async ([, name = '', file = '', factory = '']): Promise<[string, Command]> => {
    const module_ = (await import(path.join(CLI, file))) as Readonly<Record<string, () => Command>>;
    const command = module_[factory]?.();
    assert.ok(command !== undefined, name);
    return [name, command];
  });
  return new Map(await Promise.all(loaded));
}

interface Shown {
  readonly place: string;
  /** What stands behind `sidegate`. */
  readonly words: readonly string[];
}

function shownIn(file: string): readonly Shown[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/\\\n\s*/g, ' ');
  const blocks = [...text.matchAll(/^```(?:sh|bash|console)\n(.*?)^```$/gms)].flatMap(([, block = '']) =>
    block.split('\n'),
  );
  const inline = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...blocks, ...inline].flatMap((line) => {
    const [, rest] = /^(?:\$ )?(?:npx |npm run )?sidegate (?:-- )?([a-z].*)$/.exec(line.trim()) ?? [];
    if (rest === undefined) return [];
    const words = rest.replace(/\s[|>&;#].*$/, '').split(/\s+/);
    return [{ place: `${file}: sidegate ${rest}`, words }];
  });
}

function mistakeIn({ words }: Shown, known: ReadonlyMap<string, Command>): string | undefined {
  const [name = '', ...rest] = words;
  let command = known.get(name);
  if (command === undefined) return 'there is no such command';
  const left = [...rest];
  while (left.length > 0) {
    const child: Command | undefined = command.commands.find((each) => each.name() === left[0]);
    if (child === undefined) break;
    command = child;
    left.shift();
  }
  const options = new Set(command.options.map(({ long }) => long));
  const unknown = left
    .filter((word) => /^--[a-z]/.test(word))
    .map((word) => word.replace(/[=`,.:;)].*$/, ''))
    .filter((word) => word !== '--help' && !options.has(word));
  return unknown.length === 0 ? undefined : `it has no ${unknown.join(', ')}`;
}

test('each command of the documentation is there, and each of its options', async () => {
  const known = await commands();
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: ROOT, encoding: 'utf8' });
  const shown = files
    .split('\n')
    .filter((file) => file !== '')
    .flatMap(shownIn);
  assert.ok(shown.length > 20, 'commands are found');
  const mistakes = shown.flatMap((each) => {
    const mistake = mistakeIn(each, known);
    return mistake === undefined ? [] : [`${each.place}: ${mistake}`];
  });
  assert.deepEqual(mistakes, []);
});
