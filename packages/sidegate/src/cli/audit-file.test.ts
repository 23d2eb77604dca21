/** Audit files that several writers share. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { type AuditFileOptions, openAuditFile } from './audit-file.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-audit-file-'));
after(() => rmSync(directory, { recursive: true }));

const options = (name: string): AuditFileOptions => ({
  path: path.join(directory, name),
  maxSize: 4096,
  maxFiles: undefined,
  // All in one millisecond.
  now: () => 1_790_000_000_000,
  onTrouble: (error) => assert.fail(String(error)),
});

test('writers of one file put it aside one after another, and every record is there exactly once', () => {
  const writers = Array.from({ length: 3 }, () => openAuditFile(options('shared')));
  const records = Array.from({ length: 500 }, (_, index) => String(index).padStart(99, '.'));
  for (const [index, record] of records.entries()) writers[index % writers.length]?.sink(`${record}\n`);
  for (const writer of writers) writer.close();
  const files = readdirSync(directory).filter((name) => name.startsWith('shared'));
  assert.ok(files.length > 10, `${files.length} files`);
  const found = files.flatMap((name) => readFileSync(path.join(directory, name), 'utf8').trimEnd().split('\n'));
  assert.deepEqual(found.toSorted(), records.toSorted());
});

test('a record that is larger than a file may be is written as a whole', () => {
  const writer = openAuditFile(options('large'));
  for (const letter of ['a', 'b']) writer.sink(`${letter.repeat(9_000)}\n`);
  writer.close();
  const sizes = readdirSync(directory)
    .filter((name) => name.startsWith('large'))
    .map((name) => statSync(path.join(directory, name)).size);
  assert.deepEqual(sizes, [9_001, 9_001]);
});

test('only the owner reads the file, and what it was before', () => {
  for (const name of readdirSync(directory))
    assert.equal(statSync(path.join(directory, name)).mode & 0o777, 0o600, name);
});
