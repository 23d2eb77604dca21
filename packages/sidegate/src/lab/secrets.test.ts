import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepSecrets } from './secrets.ts';

function scratch(): { readonly file: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'sidegate-secrets-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  return { file: join(directory, 'secrets.json'), [Symbol.dispose]: remove };
}

const counting = () => {
  let made = 0;
  return () => `made-${++made}`;
};

for (const [what, text] of [
  ['no JSON', 'SECRET=1'],
  ['a list', '["a"]'],
  ['a number among the values', '{"A":1}'],
  ['null', 'null'],
] as const) {
  test(`a file that holds ${what} is refused, not replaced`, async () => {
    using kept = scratch();
    writeFileSync(kept.file, text);
    await assert.rejects(keepSecrets(kept.file, ['A'], counting()), /is not a table of secrets/);
    assert.equal(readFileSync(kept.file, 'utf8'), text);
  });
}

test('a value that was kept stays, a new name gets a new one', async () => {
  using kept = scratch();
  assert.deepEqual(await keepSecrets(kept.file, ['A'], counting()), { A: 'made-1' });
  assert.deepEqual(await keepSecrets(kept.file, ['A', 'B', 'B'], () => 'other'), { A: 'made-1', B: 'other' });
});

test('the file is for its owner only, also when it was not before', async () => {
  using kept = scratch();
  writeFileSync(kept.file, '{}');
  chmodSync(kept.file, 0o644);
  await keepSecrets(kept.file, ['A'], counting());
  assert.equal(statSync(kept.file).mode & 0o777, 0o600);
});
