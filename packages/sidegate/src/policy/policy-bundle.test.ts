import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { BundleVerification } from '@sidegate/rego';
import {
  type BundleFiles,
  createBundleSigner,
  packBundle,
  signFiles,
} from '../../../../tests/support/policy-bundle.ts';
import type { PolicyInput } from './decision.ts';
import { type LoadedEngine, loadOpaEmbedded } from './opa-embedded.ts';

const POLICY = 'package order\n\nallow if input.request.method in data.order.methods\n';
const DATA = { 'order/data.yaml': 'methods:\n  - GET\n' };

function load(bytes: Uint8Array, dataFile?: string, verification?: BundleVerification): LoadedEngine {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-bundle-'));
  const directory = path.join(folder.path, 'policies.tar.gz');
  writeFileSync(directory, bytes);
  const query = 'data.order.allow';
  return loadOpaEmbedded({
    policies: [directory],
    query,
    clock: { now: () => 0 },
    verification,
    ...(dataFile === undefined ? {} : { data: [dataFile] }),
  });
}

function findings(loaded: LoadedEngine): string {
  assert.ok(!loaded.ok, 'the bundle was loaded');
  return loaded.findings
    .map(
      ({ file, line, column, message }) => `${file.split('policies.tar.gz')[1] ?? file}:${line}:${column} ${message}`,
    )
    .join('\n');
}

function input(method: string): PolicyInput {
  return {
    mtls: { verified: false, subject: {} },
    request: { method, path: '/', upstream_path: '/', query: '', host: 'a' },
    headers: {},
  };
}

describe('bundles that do not decide', () => {
  const CASES: readonly (readonly [title: string, files: BundleFiles, message: RegExp])[] = [
    ['without a policy', DATA, /has no policy/],
    ['with nothing but tests', { 'order_test.rego': POLICY, ...DATA }, /has no policy/],
    ['without the rule', { 'a.rego': 'package order\n\ndeny := true' }, /has no rule data\.order\.allow/],
    [
      'with a policy that does not parse',
      { 'a/a.rego': 'package a\n\np if {' },
      /^\/a\/a\.rego:3:\d+ rego_parse_error/,
    ],
    [
      'with a policy that does not compile',
      { 'a/a.rego': 'package a\n\np := x' },
      /^\/a\/a\.rego:3:6 rego_unsafe_var_error/,
    ],
    [
      'with content outside its roots',
      { '.manifest': '{"roots":["users"]}', 'a.rego': POLICY },
      /do not permit the package order/,
    ],
    [
      'signed, as no key is known',
      signFiles({ 'a.rego': POLICY }, createBundleSigner()),
      /no key is given to verify it/,
    ],
  ];
  for (const [title, files, message] of CASES) {
    test(title, () => assert.match(findings(load(packBundle(files))), message));
  }

  test('damaged', () => {
    assert.match(findings(load(packBundle({ 'a.rego': POLICY }).subarray(0, -1))), /cannot be unpacked/);
  });

  test('with data from elsewhere', () => {
    assert.match(findings(load(packBundle({ 'a.rego': POLICY }), 'data.json')), /data\.json.* given beside a bundle/);
  });

  test('absent, or a file that is neither policy nor bundle', () => {
    const wanted = {
      '/nowhere/policies.tar.gz': /cannot be read \(ENOENT\)/,
      [import.meta.filename]: /is no policy and no data/,
    };
    for (const [directory, message] of Object.entries(wanted)) {
      const loaded = loadOpaEmbedded({ policies: [directory], query: 'data.order.allow', clock: { now: () => 0 } });
      assert.match(findings(loaded), message);
    }
  });
});

test('a bundle decides by its policies and its data, and names its rules', () => {
  const loaded = load(
    packBundle({ 'order/order.rego': POLICY, 'order/order_test.rego': 'package order_test', ...DATA }),
  );
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.findings));
  assert.deepEqual(loaded.value.decide(input('GET')), { allow: true, reasons: [], rule: 'order.rego:3' });
  assert.equal(loaded.value.decide(input('POST')).allow, false);
});

test('a bundle in the older language decides in it', () => {
  const files = {
    '.manifest': '{"rego_version":0}',
    'a.rego': 'package order\n\nallow { input.request.method == "GET" }',
  };
  const loaded = load(packBundle(files));
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.findings));
  assert.equal(loaded.value.decide(input('GET')).allow, true);
});

describe('with a key configured', () => {
  const signer = createBundleSigner();
  const files: BundleFiles = { 'order.rego': POLICY, 'order/data.json': '{"methods":["GET"]}' };
  const signed = signFiles(files, signer);
  const trusted: BundleVerification = { keys: { default: { key: signer.publicPem, algorithm: 'ES256' } } };

  const CASES: readonly (readonly [title: string, files: BundleFiles, message: RegExp])[] = [
    ['a bundle without a signature', files, /is missing: the bundle is not signed/],
    ['a bundle that another key signed', signFiles(files, createBundleSigner()), /is not by the key "default"/],
    [
      'a file more than was signed',
      { ...signed, 'b.rego': 'package order\n\nallow := true\n' },
      /\/b\.rego:.* is not signed/,
    ],
    [
      'a changed byte',
      { ...signed, 'order.rego': POLICY.replace('GET', 'PUT').replace('in data', 'in  data') },
      /is not what was signed/,
    ],
  ];
  for (const [title, wrong, message] of CASES) {
    test(`${title} is refused`, () => assert.match(findings(load(packBundle(wrong), undefined, trusted)), message));
  }

  test('a folder is refused, whatever is in it', () => {
    using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-folder-'));
    writeFileSync(path.join(folder.path, 'a.rego'), POLICY);
    const options = { query: 'data.order.allow', clock: { now: () => 0 }, verification: trusted };
    assert.match(findings(loadOpaEmbedded({ ...options, policies: [folder.path] })), /is not signed$/);
  });

  test('what it signed decides', () => {
    const loaded = load(packBundle(signed), undefined, trusted);
    assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.findings));
    assert.equal(loaded.value.decide(input('GET')).allow, true);
  });
});
