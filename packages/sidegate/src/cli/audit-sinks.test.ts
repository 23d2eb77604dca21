/** The file of audit records when the disk takes only a part of one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-audit-'));
after(() => rmSync(directory, { recursive: true }));

/** Ten lines of 101 bytes fit into the one KiB that the shell allows, and 14 bytes of the next. */
const SCRIPT = `
import { truncateSync } from 'node:fs';
import { auditSinks } from ${JSON.stringify(path.join(import.meta.dirname, 'audit-sinks.ts'))};
const file = process.argv[2];
import { Components } from ${JSON.stringify(path.join(import.meta.dirname, 'components.ts'))};
const findings = [];
const audit = { enabled: true, export: { stdout: { enabled: false, format: 'json' }, file: { path: file } } };
const sink = auditSinks({ audit }, () => {}, { findings, components: new Components() }).get('file');
let kept = 0;
try {
  for (; kept < 20; kept += 1) sink(String(kept).padStart(100, '.') + '\\n');
} catch (error) {
  console.log(JSON.stringify({ kept, code: error.cause.code, characters: error.characters }));
}
truncateSync(file, 600);
sink('after\\n');
sink('last\\n');
`;

function runWithFileLimit(): { readonly file: string; readonly told: unknown } {
  const file = path.join(directory, 'audit.jsonl');
  const script = path.join(directory, 'script.mjs');
  writeFileSync(script, SCRIPT);
  const node = `exec '${process.execPath}' --conditions=@sidegate/source '${script}' '${file}'`;
  const { stdout, stderr } = spawnSync('bash', ['-c', `ulimit -f 1; ${node}`], { encoding: 'utf8' });
  assert.equal(stderr, '');
  return { file, told: JSON.parse(stdout) };
}

test('a record of which the disk takes only a part counts as lost, and the next one begins a line of its own', () => {
  const { file, told } = runWithFileLimit();
  assert.deepEqual(told, { kept: 10, code: 'EFBIG', characters: 14 });
  assert.deepEqual(readFileSync(file, 'utf8').split('\n').slice(-4), ['.'.repeat(95), 'after', 'last', '']);
});

test('only the owner reads the audit records', () => {
  assert.equal(statSync(path.join(directory, 'audit.jsonl')).mode & 0o777, 0o600);
});
