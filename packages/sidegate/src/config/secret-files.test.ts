import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from './diagnostic.ts';
import { loadSidecarConfig } from './load.ts';

const FILE = `service: {name: test}
egress:
  targets:
    data:
      url: "https://data.example"
      auth:
        type: oauth2_client_credentials
        token_url: "https://idp.example/token"
        client_id: me
`;

function load(lines: string, contents: Readonly<Record<string, string>> = {}, env = {}) {
  const readFile = (path: string): string => {
    const text = contents[path];
    if (text === undefined) throw new Error('EACCES');
    return text;
  };
  const options = { file: 'f', env, readFile, resolvePath: (path: string) => `/prefix${path}` };
  return loadSidecarConfig(`${FILE}${lines}`, options);
}

function findings(...input: Parameters<typeof load>): string[] {
  const loaded = load(...input);
  return (loaded.ok ? loaded.warnings : loaded.diagnostics).map(renderDiagnostic);
}

const KEY = 'egress.targets.data.auth.client_secret';

test('a file that cannot be read is named by its key', () => {
  assert.deepEqual(findings('        client_secret_file: /s'), [
    `f:10:29: error: ${KEY}_file: names a file that cannot be read`,
  ]);
});

test('an empty file and a huge one are no secrets', () => {
  for (const text of ['', '\n', 'x'.repeat(70_000)]) {
    assert.deepEqual(findings('        client_secret_file: /s', { '/prefix/s': text }), [
      `f:10:29: error: ${KEY}_file: names a file that is empty or larger than 64 KiB`,
    ]);
  }
});

test('a secret and a file for it are one too many', () => {
  const lines = '        client_secret: "${S}"\n        client_secret_file: /s';
  assert.deepEqual(findings(lines, { '/prefix/s': 'x' }, { S: 'y' }), [
    `f:11:29: error: ${KEY}_file: is set beside client_secret (keep one of them)`,
  ]);
});

test('a path that is no string is refused', () => {
  assert.match(
    findings('        client_secret_file: 5').join(),
    /error: egress\.targets\.data\.auth\.client_secret_file: must be a string/,
  );
});

test('the contents of the file are the secret, without the final line break', () => {
  for (const text of ['s3cret', 's3cret\n', 's3cret\r\n']) {
    const loaded = load('        client_secret_file: /s', { '/prefix/s': text });
    const auth = loaded.ok ? loaded.config.egress.targets['data']?.auth : undefined;
    assert.ok(auth?.type === 'oauth2_client_credentials');
    assert.equal(auth.client_secret?.reveal(), 's3cret');
  }
});

test('the path of the file may come from a variable or from an override', () => {
  const files = { '/prefix/s': 's' };
  assert.deepEqual(findings('        client_secret_file: "${DIR}s"', files, { DIR: '/' }), []);
  assert.deepEqual(findings('', files, { AUTHZ_EGRESS_TARGETS_DATA_AUTH_CLIENT_SECRET_FILE: '/s' }), []);
});

const CANARY = 'canary-9d1c4e';

test('S3-178 no finding ever shows a secret, wherever it was put by mistake', () => {
  const env = { SECRET: CANARY, AUTHZ_HTTP_ADDR: CANARY, AUTHZ_JWT_ISSUER: CANARY, AUTHZ_PROXY_MODE: CANARY };
  const mistakes = [
    `        client_secret: ${CANARY}`,
    `        client_secret: "${CANARY}`,
    `        client_secret:${CANARY}`,
    `        ${CANARY}\n        x`,
    `        client_secret: *${CANARY}`,
    `        client_secret: !!${CANARY} x`,
    `        client_secret: [${CANARY}]`,
    `        client_secret: {${CANARY}: 1}`,
    `        client_secret: \${${CANARY}}`,
    `        client_secret: "\\q${CANARY}"`,
    `        {client_secret:${CANARY}}: 1`,
    `        scopes: ["\${SECRET} x"]\n        refresh_before_expiry: "\${SECRET}"\n        resource: "\${SECRET}"`,
    `        client_auth: "\${SECRET}"\n        token_url: x`,
    `  routes: [{path_prefix: "\${SECRET}", target: "\${SECRET}", strip_prefix: "\${SECRET}", methods: ["\${SECRET}"]}]`,
    `policy: {engine: "\${SECRET}", path: "\${SECRET}"}\nidentities: {"CN=a": ["\${SECRET}"]}`,
    `proxy: {headers: {inject_user_id: "\${SECRET} ", add: {X-A: "\${SECRET}\\n"}}, routes: [{path: "\${SECRET}"}]}`,
    `http: {tls: {client_auth: "\${SECRET}"}, read_timeout: "\${SECRET}"}`,
    `jwt: {audience: "\${SECRET}", issuers: [{name: "\${SECRET} ", issuer: "\${SECRET}", audience: [], jwks_url: "\${SECRET}"}]}`,
    `x: "\${SECRET}"\n"a ${CANARY}": 1\n"b:${CANARY}": 1\n"b:${CANARY}": 2`,
  ];
  for (const mistake of mistakes) {
    const found = findings(mistake, {}, env);
    assert.ok(found.length > 0, mistake);
    assert.ok(!found.join('\n').includes(CANARY), `${mistake}\n${found.join('\n')}`);
  }
});
