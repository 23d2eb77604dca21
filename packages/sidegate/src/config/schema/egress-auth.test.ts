import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadSidecarConfig } from '../load.ts';

const CANARY = 'canary secret';

function load(auth: string, rest = '') {
  const text = `service: {name: test}
egress:
  targets:
    data:
      url: https://data.example:8443
      auth: ${auth}
${rest}`;
  return loadSidecarConfig(text, {
    file: 'a.yaml',
    env: { S: 's3cret', BAD: `${CANARY}\n`, BLANK: CANARY },
    readFile: String,
    resolvePath: (file) => `/sidecar${file}`,
  });
}

const OAUTH = 'type: oauth2_client_credentials, token_url: "https://idp.example/token", client_id: a';
const CERTIFICATE = '      tls: {enabled: true, client_cert: /a.crt, client_key: /a.key}';
const at = 'egress.targets.data';

const REFUSED: readonly (readonly [title: string, auth: string, rest: string, expected: readonly string[]])[] = [
  ['bearer without token', '{type: bearer}', '', [`${at}.auth.token: is required`]],
  ['C-226 a bearer token in the file', '{type: bearer, token: canary}', '', [`${at}.auth.token: is a secret written`]],
  ['a bearer token with a space', '{type: bearer, token: "${BLANK}"}', '', [`${at}.auth.token: is not a bearer token`]],
  ['an API key with a line end', '{type: api_key, key: "${BAD}"}', '', [`${at}.auth.key: has characters`]],
  ...['Host', 'content-length', 'Transfer-Encoding', 'X-Correlation-ID', 'Cookie'].map(
    (header) =>
      [
        `an API key in ${header}`,
        `{type: api_key, header: ${header}, key: "\${S}"}`,
        '',
        [`${at}.auth.header: is a header that cannot be configured`],
      ] as const,
  ),
  ['basic without password', '{type: basic, username: a}', '', [`${at}.auth.password: is required`]],
  [
    'a user name with a colon',
    '{type: basic, username: "a:b", password: "${S}"}',
    '',
    [`${at}.auth.username: has a colon`],
  ],
  [
    'a password with a line end',
    '{type: basic, username: a, password: "${BAD}"}',
    '',
    [`${at}.auth.password: has a contr`],
  ],
  [
    'mtls without a certificate',
    '{type: mtls}',
    '',
    [`${at}.tls.enabled: must be true`, `${at}.tls.client_cert: is req`],
  ],
  ['mtls with a secret', '{type: mtls, token: "${S}"}', CERTIFICATE, [`${at}.auth.token: is an unknown key`]],
  ['client_secret_post without a secret', `{${OAUTH}}`, '', [`${at}.auth.client_secret: is required`]],
  [
    'C-192 a secret beside a key',
    `{${OAUTH}, client_auth: private_key_jwt, client_secret: "\${S}", private_key_file: /k, key_id: k, issuer: "https://idp"}`,
    '',
    [`${at}.auth.client_secret: is not used with client_auth private_key_jwt`],
  ],
  [
    'private_key_jwt without what it needs',
    `{${OAUTH}, client_auth: private_key_jwt}`,
    '',
    [`${at}.auth.private_key_file: is required`, `${at}.auth.key_id: is required`, `${at}.auth.issuer: is required`],
  ],
  [
    'a key that client_secret_basic does not use',
    `{${OAUTH}, client_auth: client_secret_basic, client_secret: "\${S}", private_key_file: /k}`,
    '',
    [`${at}.auth.private_key_file: is not used with client_auth client_secret_basic`],
  ],
  [
    'tls_client_auth without a certificate',
    `{${OAUTH}, client_auth: tls_client_auth}`,
    '',
    [`${at}.tls.enabled: must be true`, `${at}.tls.client_cert: is required`],
  ],
  [
    'C-192 tls_client_auth with a secret',
    `{${OAUTH}, client_auth: tls_client_auth, client_secret: "\${S}"}`,
    CERTIFICATE,
    [`${at}.auth.client_secret: is not used with client_auth tls_client_auth`],
  ],
  [
    'tls_client_auth in clear text',
    '{type: oauth2_client_credentials, token_url: "http://127.0.0.1:1/token", client_id: a, client_auth: tls_client_auth}',
    CERTIFICATE,
    [`${at}.auth.token_url: needs https`],
  ],
  ...[
    'grant_type',
    'client_id',
    'client_secret',
    'scope',
    'audience',
    'resource',
    'client_assertion',
    'subject_token',
  ].map(
    (name) =>
      [
        `C-194 params that override ${name}`,
        `{${OAUTH}, client_secret: "\${S}", params: {${name}: x}}`,
        '',
        [`${at}.auth.params: has a key that is set by other keys`],
      ] as const,
  ),
];

for (const [title, auth, rest, expected] of REFUSED) {
  test(`${title} is refused`, () => {
    const loaded = load(auth, rest);
    assert.ok(!loaded.ok);
    const found = loaded.diagnostics.map(renderDiagnostic);
    assert.ok(!found.join('\n').includes(CANARY), 'no finding repeats a secret');
    const told = found.map((each) => each.replace(/^a\.yaml:\d+:\d+: error: /, ''));
    assert.equal(told.length, expected.length, found.join('\n'));
    for (const [index, text] of [...expected].entries()) {
      assert.ok(
        told.some((each) => each.startsWith(text)),
        `${told[index]}, not ${text}`,
      );
    }
  });
}

const ACCEPTED: readonly (readonly [title: string, auth: string, rest?: string])[] = [
  ['bearer', '{type: bearer, token: "${S}"}'],
  ['api_key', '{type: api_key, key: "${S}"}'],
  ['api_key in Authorization', '{type: api_key, header: Authorization, key: "${S}"}'],
  ['basic', '{type: basic, username: a, password: "${S}"}'],
  ['mtls', '{type: mtls}', CERTIFICATE],
  ['tls_client_auth', `{${OAUTH}, client_auth: tls_client_auth}`, CERTIFICATE],
  [
    'private_key_jwt',
    `{${OAUTH}, client_auth: private_key_jwt, private_key_file: /k, key_id: k, issuer: "https://idp"}`,
  ],
  ['params', `{${OAUTH}, client_secret: "\${S}", params: {tenant: a}}`],
];
for (const [title, auth, rest] of ACCEPTED) {
  test(`${title} loads, and its secret is shown to nobody`, () => {
    const loaded = load(auth, rest);
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.diagnostics.map(renderDiagnostic).join('\n'));
    assert.ok(!JSON.stringify(loaded.config).includes('s3cret'));
  });
}

test('the file of a private key is resolved like every path, and the header of a key has a default', () => {
  const key = load(`{${OAUTH}, client_auth: private_key_jwt, private_key_file: /k, key_id: k, issuer: "https://idp"}`);
  assert.ok(key.ok && key.config.egress.targets['data']?.auth.type === 'oauth2_client_credentials');
  assert.equal(key.config.egress.targets['data'].auth.private_key_file, '/sidecar/k');
  const header = load('{type: api_key, key: "${S}"}');
  assert.ok(header.ok && header.config.egress.targets['data']?.auth.type === 'api_key');
  assert.equal(header.config.egress.targets['data'].auth.header, 'X-API-Key');
});
