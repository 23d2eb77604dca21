/** What docs/performance.md says that proof adds to a call is what the kept results of the benchmark say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(path.join(ROOT, name), 'utf8');

interface Measured {
  readonly row: string;
  readonly ours: { readonly median: number };
  readonly value: { readonly median: number };
}

/** Microseconds of each row: as the page has them, and as they were measured. */
function rows(): readonly { readonly what: string; readonly said: number; readonly measured: number }[] {
  const chapter = read('docs/performance.md').split('## What proof adds to a call')[1]?.split('\n## ')[0] ?? '';
  const written = chapter.matchAll(
    /^\| (.+) \| (\d+) µs \| \[`\w+`\]\(\.\.\/(bench\/results\/[\w-]+)\.md\), (.+) \|$/gm,
  );
  return Array.from(written, ([, what = '', said, file, row]) => {
    const { report } = JSON.parse(read(`${file}.json`)) as {
      readonly report: { readonly findings: readonly Measured[] };
    };
    const found = report.findings.find((each) => each.row === row);
    assert.ok(found, `${file} has no row ${row}`);
    return { what, said: Number(said), measured: what.startsWith('added') ? found.value.median : found.ours.median };
  });
}

test('S4-009 handshake and token validation add a few milliseconds at most to a request, as reported and measured', () => {
  const all = rows();
  assert.equal(all.length, 4);
  for (const { what, said, measured } of all) assert.equal(said, Math.round(measured), what);
  const [handshake = Number.NaN, , newToken = Number.NaN, added = Number.NaN] = all.map(({ measured }) => measured);
  assert.ok(handshake + newToken < 3_000, 'the first call');
  assert.ok(added < 1_000, 'every other one');
});
