import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadSidecarConfig } from '../load.ts';

function load(policy: string) {
  const text = `service: {name: test}\npolicy:\n${policy.replaceAll(/^/gm, '  ')}`;
  return loadSidecarConfig(text, {
    file: 'a.yaml',
    env: {},
    readFile: String,
    resolvePath: (file) => `/sidecar${file}`,
  });
}

const BUNDLE = 'path: /policies.tar.gz\n';
const KEY = '    release: {algorithm: ES256, key_file: /release.pem}';

for (const [title, policy, expected] of [
  [
    'keys for a folder',
    `path: /policies\nbundle:\n  keys:\n${KEY}`,
    ['3:9: policy.path: is no bundle, which alone can be signed'],
  ],
  ['data beside a bundle', `${BUNDLE}data_path: /data.json`, ['4:14: policy.data_path: is set beside a bundle']],
  ['a signature without a key', `${BUNDLE}bundle: {signing: {keyid: a}}`, ['4:3: policy.bundle.keys: is required']],
  ['no key', `${BUNDLE}bundle: {keys: {}}`, ['4:18: policy.bundle.keys: names no key']],
  [
    'a key id that is none of the keys',
    `${BUNDLE}bundle:\n  signing: {keyid: other}\n  keys:\n${KEY}`,
    ['5:22: policy.bundle.signing.keyid: is none of the keys'],
  ],
  [
    'a key twice, and none at all',
    `${BUNDLE}bundle: {keys: {a: {key: PEM, key_file: /a}, b: {}}}`,
    [
      '4:22: policy.bundle.keys.a: needs either key or key_file',
      '4:51: policy.bundle.keys.b: needs either key or key_file',
    ],
  ],
  [
    'a private key',
    `${BUNDLE}bundle: {keys: {a: {key: "-----BEGIN PRIVATE KEY-----"}}}`,
    ['4:28: policy.bundle.keys.a.key: is a private key'],
  ],
  [
    'a secret, with which everybody could sign',
    `${BUNDLE}bundle: {keys: {a: {key: secret, algorithm: HS256}}}`,
    ['4:47: policy.bundle.keys.a.algorithm: must be RS256 or RS384'],
  ],
  [
    'files that need no signature',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, signing: {exclude_files: [x]}}`,
    ['4:45: policy.bundle.signing.exclude_files: is an unknown key'],
  ],
  [
    'a bundle from a server',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, url: "https://a"}`,
    ['4:35: policy.bundle.url: is an unknown key'],
  ],
] as const) {
  test(`policies with ${title} are refused`, () => {
    const loaded = load(policy);
    assert.ok(!loaded.ok);
    const found = loaded.diagnostics
      .map(renderDiagnostic)
      .map((each) => each.replace(/^a\.yaml:/, '').replace(' error:', ''));
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [index, text] of expected.entries())
      assert.ok(found[index]?.startsWith(text), `${found[index]}, not ${text}`);
  });
}

test('a key and what it must sign for', () => {
  const loaded = load(`${BUNDLE}bundle:\n  signing: {keyid: release, scope: read}\n  keys:\n${KEY}`);
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config.policy.bundle, {
    keys: { release: { algorithm: 'ES256', key_file: '/sidecar/release.pem' } },
    signing: { keyid: 'release', scope: 'read' },
  });
});
