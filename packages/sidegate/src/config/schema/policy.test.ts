import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadSidecarConfig } from '../load.ts';

function load(policy: string) {
  const text = `service: {name: test}\npolicy:\n${policy.replaceAll(/^/gm, '  ')}`;
  return loadSidecarConfig(text, {
    file: 'a.yaml',
    env: { TOKEN: 's3cret' },
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
    'a url that is not fetched',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, url: "https://a"}`,
    ['4:40: policy.bundle.url: is set, but not fetched'],
  ],
  [
    'C-070 a bundle in clear text from another machine',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, enabled: true, url: "http://a.example/b"}`,
    ['4:55: policy.bundle.url: is not an https URL'],
  ],
  [
    'a bundle from nowhere',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, enabled: true}`,
    ['4:3: policy.bundle.url: is req'],
  ],
  [
    'a fetched bundle that nobody need sign',
    `${BUNDLE}bundle: {enabled: true, url: "https://a"}`,
    ['4:3: policy.bundle.keys: is required'],
  ],
  [
    'a bundle server that asks for a token which is not there',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, enabled: true, url: "https://a", auth_type: bearer}`,
    ['4:3: policy.bundle.auth_token: is required'],
  ],
  [
    'a token that is not sent',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, enabled: true, url: "https://a", auth_token: "\${TOKEN}"}`,
    ['4:80: policy.bundle.auth_token: is not sent'],
  ],
  [
    'C-226 a token in the file',
    `${BUNDLE}bundle: {keys: {a: {key: PEM}}, enabled: true, url: "https://a", auth_type: bearer, auth_token: canary}`,
    ['4:99: policy.bundle.auth_token: is a secret written in the file'],
  ],
  ['a default that allows', 'default_decision: allow', ['3:21: policy.default_decision: must be deny']],
  [
    'an OPA of another machine',
    'engine: opa_sidecar\nopa: {url: "https://opa.example"}',
    ['4:14: policy.opa.url: is not a loop'],
  ],
  ['no OPA', 'engine: opa_sidecar', ['2:1: policy.opa: is required']],
  [
    'an OPA that nobody asks',
    'opa: {url: "http://127.0.0.1:8181"}',
    ['3:8: policy.opa: is not used by the engine opa_emb'],
  ],
  [
    'a folder that OPA does not see',
    'engine: opa_sidecar\npath: /p\nopa: {url: "http://127.0.0.1:8181"}',
    ['4:9: policy.path: is not used by the engine opa_sidecar'],
  ],
  [
    'a path of OPA that leads elsewhere',
    'engine: opa_sidecar\nopa: {url: "http://127.0.0.1:8181", policy_path: a/../b}',
    ['4:52: policy.opa.policy_path: is not `<package>/<rule>`'],
  ],
  ['roles in a folder', 'engine: builtin\npath: /policies', ['4:9: policy.path: is no file of roles']],
  [
    'a query for roles',
    'engine: builtin\npath: /r.yaml\nquery: data.a.b',
    ['5:10: policy.query: is not used by the engine'],
  ],
  ['WebAssembly without a bundle', 'engine: opa_wasm\npath: /policies', ['4:9: policy.path: is no bundle']],
  [
    'a fallback that is never asked',
    'fallback: {engine: builtin, path: /r.yaml}',
    ['3:13: policy.fallback: is not used by the engine opa_embedded'],
  ],
  [
    'a fallback of another process',
    'engine: opa_sidecar\nopa: {url: "http://127.0.0.1:8181"}\nfallback: {engine: opa_sidecar, path: /r.yaml}',
    ['5:22: policy.fallback.engine: must be builtin or opa_embedded'],
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
    enabled: false,
    polling_interval: 60_000,
    auth_type: 'none',
  });
});

test('policy.query and proxy.authz.policy_query are one; both must say the same', () => {
  const read = (text: string) =>
    loadSidecarConfig(`service: {name: test}\n${text}`, { file: 'a.yaml', env: {}, readFile: String });
  const both = read('policy: {query: data.a.b}\nproxy: {authz: {policy_query: data.a.c}}');
  assert.ok(!both.ok);
  assert.deepEqual(
    both.diagnostics.map(({ path, message }) => `${path}: ${message}`),
    ['proxy.authz.policy_query: is not what policy.query says'],
  );
  const unused = read('policy: {engine: builtin, path: /r.yaml}\nproxy: {authz: {policy_query: data.a.c}}');
  assert.ok(!unused.ok);
  for (const [text, query] of [
    ['', 'data.authz.allow'],
    ['policy: {query: data.a.b}', 'data.a.b'],
    ['proxy: {authz: {policy_query: data.a.b}}', 'data.a.b'],
    ['policy: {query: data.a.b}\nproxy: {authz: {policy_query: data.a.b}}', 'data.a.b'],
  ] as const) {
    const loaded = read(text);
    assert.ok(loaded.ok, text);
    assert.equal(loaded.config.proxy.authz.policy_query, query);
  }
});
