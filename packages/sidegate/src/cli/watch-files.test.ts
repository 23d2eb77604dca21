import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../../../tests/support/until.ts';
import { watchFiles } from './watch-files.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-watch-'));
after(() => rmSync(directory, { recursive: true }));

const LOOK_MS = 10;
let folders = 0;

/**
 * A folder with a file, a link and a folder in it, watched beside a file outside; `change` gets it while it is watched. Waits as long as
 * it takes until it is told as often as it should be, and then whether it is told again.
 */
async function toldOf(expected: number, change: (root: string) => void, readAt = Date.now() + 60_000): Promise<number> {
  folders += 1;
  const root = path.join(directory, String(folders));
  for (const folder of ['policies/inner', 'v1', 'v2']) mkdirSync(path.join(root, folder), { recursive: true });
  for (const file of ['policies/a.rego', 'policies/inner/b.rego', 'v1/c.rego', 'v2/c.rego', 'server.key'])
    writeFileSync(path.join(root, file), 'as it was', { mode: 0o600 });
  symlinkSync('v1', path.join(root, 'current'));
  symlinkSync('../current/c.rego', path.join(root, 'policies/c.rego'));
  let told = 0;
  await using _watch = await watchFiles({
    paths: () => ['policies', 'server.key', 'absent.yaml'].map((name) => path.join(root, name)),
    intervalMs: LOOK_MS,
    readAt,
    onChange: async () => void (told += 1),
  });
  change(root);
  await until(() => told >= expected, 10_000);
  await pause(20 * LOOK_MS);
  return told;
}

describe('a change is told once', () => {
  const at = (root: string, name: string): string => path.join(root, name);
  const ROWS: readonly (readonly [title: string, change: (root: string) => void])[] = [
    ['of a file that is written', (root) => writeFileSync(at(root, 'server.key'), 'another')],
    ['of a file that is written with the same length', (root) => writeFileSync(at(root, 'server.key'), 'as it now')],
    [
      'of a file whose time was set back',
      (root) => {
        writeFileSync(at(root, 'server.key'), 'as it now');
        utimesSync(at(root, 'server.key'), 1, 1);
      },
    ],
    ['of a file that others may read now', (root) => chmodSync(at(root, 'server.key'), 0o644)],
    ['of a file in a folder', (root) => writeFileSync(at(root, 'policies/inner/b.rego'), 'another')],
    ['of a file that is new in a folder', (root) => writeFileSync(at(root, 'policies/inner/new.rego'), '')],
    ['of a file that is gone', (root) => rmSync(at(root, 'policies/inner/b.rego'))],
    ['of a file that comes into being', (root) => writeFileSync(at(root, 'absent.yaml'), '')],
    [
      'of a link far above a file',
      (root) => {
        symlinkSync('v2', at(root, 'next'));
        renameSync(at(root, 'next'), at(root, 'current'));
      },
    ],
    [
      'of two files that are written one after the other',
      (root) => {
        writeFileSync(at(root, 'server.key'), 'another');
        setTimeout(() => writeFileSync(at(root, 'policies/a.rego'), 'another'), LOOK_MS / 2);
      },
    ],
  ];
  for (const [title, change] of ROWS) test(title, async () => assert.equal(await toldOf(1, change), 1));
});

test('nothing is told when nothing changes', async () => assert.equal(await toldOf(0, () => undefined), 0));

test('what changed while it was read for the first time is told', async () => {
  assert.equal(await toldOf(1, () => undefined, Date.now()), 1);
});
