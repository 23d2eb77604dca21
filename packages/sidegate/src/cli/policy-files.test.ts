import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { type BundleFiles, packBundle } from '../../../../tests/support/policy-bundle.ts';
import { type LoadedPolicy, loadPolicy } from './policy-files.ts';

function load(
  files: BundleFiles,
  { tests = true, dataFile }: { tests?: boolean; dataFile?: string } = {},
): LoadedPolicy {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-bundle-'));
  const directory = path.join(folder.path, 'policies.tar.gz');
  writeFileSync(directory, packBundle(files));
  return loadPolicy({ policies: [directory], data: dataFile === undefined ? [] : [dataFile], tests });
}

const FILES: BundleFiles = {
  'order/order.rego': 'package order\n\nallow if data.order.open',
  'order/order_test.rego': 'package order_test\n\ntest_allow if data.order.allow',
  'order/data.json': '{"open":true}',
};

test('a wrong bundle is refused with its findings', () => {
  const loaded = load({ ...FILES, '.manifest': '{"roots":["users"]}' });
  assert.ok(!loaded.ok);
  assert.deepEqual(
    loaded.findings.map(({ file, severity }) => [path.basename(file), severity]),
    [
      ['order.rego', 'error'],
      ['order_test.rego', 'error'],
      ['policies.tar.gz', 'error'],
    ],
  );
});

test('data beside a bundle is refused', () => {
  const loaded = load(FILES, { dataFile: 'data.json' });
  assert.ok(!loaded.ok);
  assert.match(loaded.findings[0]?.message ?? '', /beside a bundle/);
});

test('the tests of a bundle run with its data, and what nothing reads is a warning', () => {
  const loaded = load({ ...FILES, 'order/roles.json': '{}' });
  assert.ok(loaded.ok);
  assert.deepEqual(
    loaded.policy.test({}).results.map(({ outcome }) => outcome),
    ['pass'],
  );
  assert.deepEqual(
    loaded.warnings.map(({ file, severity }) => [path.basename(file), severity]),
    [['roles.json', 'warning']],
  );
});

test('without tests they are left out', () => {
  const loaded = load(FILES, { tests: false });
  assert.ok(loaded.ok);
  assert.deepEqual(
    loaded.files.map((file) => path.basename(file)),
    ['order.rego'],
  );
});
