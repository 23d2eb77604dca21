/** In processes of their own: the limits hold until the process ends. They run JavaScript, since removing types takes memory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

const SOURCE = readFileSync(path.join(import.meta.dirname, 'small-heap.ts'), 'utf8');

/** What lives for a while and then dies, as requests under way do; answers with the committed bytes of both generations. */
const CHURN = `
const size = (name) => getHeapSpaceStatistics().find(({ space_name }) => space_name === name).space_size / 1_048_576;
let [live, young, old] = [[], 0, 0];
for (let n = 0; n < 3_000_000; n += 1) {
  live.push({ n, list: ['a', String(n)] });
  if (live.length < 60_000) continue;
  live = [];
  [young, old] = [Math.max(young, size('new_space')), Math.max(old, size('old_space'))];
}
process.stdout.write(JSON.stringify({ young, old }));
`;

function churned(before: string): { readonly young: number; readonly old: number } {
  const args = ['--input-type=module', '--eval', `${before}\n${CHURN}`];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as ReturnType<typeof churned>;
}

test('the young generation stops at two halves of 4 MiB, and the old one well before it would without limits', () => {
  const free = churned("import { getHeapSpaceStatistics } from 'node:v8';");
  const { young, old } = churned(`${stripTypeScriptTypes(SOURCE)}\nlimitHeap(); collectGarbage();`);
  assert.ok(free.young > 16, `young ${free.young} MiB without limits`);
  assert.ok(young > 4 && young <= 9, `young ${young} MiB`);
  assert.ok(old < free.old, `old ${old} MiB, ${free.old} MiB without limits`);
});
