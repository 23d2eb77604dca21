import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from './diagnostic.ts';
import type { Environment } from './interpolate.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { loadSidecarConfig } from './load.ts';
import type { SidecarConfig } from './schema/sidecar.ts';
import type { Shape } from './shape.ts';

const FILE = `
service: {name: test}
http: {addr: ":8443"}
proxy:
  headers: {extract: [X-A], inject_claims: {realm_access.roles: X-Roles}}
  routes:
    - {path: /a, upstream: "https://a.example"}
egress:
  targets:
    order-service:
      url: "https://order.example"
      auth: {type: oauth2_client_credentials, token_url: "https://idp/t", client_id: a, client_secret: "\${UNSET}"}
`;
const SECRET: Environment = { AUTHZ_EGRESS_TARGETS_ORDER_SERVICE_AUTH_CLIENT_SECRET: 'from-env' };

function load(env: Environment, text = FILE) {
  const readFile = (path: string): string => `contents of ${path}\n`;
  return loadSidecarConfig(text, { file: 'f.yaml', env, readFile });
}

function findings(env: Environment, text?: string): string[] {
  const loaded = load(env, text);
  return (loaded.ok ? loaded.warnings : loaded.diagnostics).map(renderDiagnostic);
}

function usable(env: Environment): SidecarConfig {
  const loaded = load({ ...SECRET, ...env });
  assert.ok(loaded.ok, findings({ ...SECRET, ...env }).join('\n'));
  return loaded.config;
}

const WRONG: [title: string, env: Environment, finding: string][] = [
  [
    'a name that is near a key',
    { AUTHZ_HTTP_ADR: ':1' },
    'env:AUTHZ_HTTP_ADR:1:1: warning: overrides no key (did you mean AUTHZ_HTTP_ADDR?)',
  ],
  ['a name like nothing', { AUTHZ_NONSENSE: '1' }, 'env:AUTHZ_NONSENSE:1:1: warning: overrides no key'],
  ['a whole mapping', { AUTHZ_HTTP_TLS: '{}' }, 'env:AUTHZ_HTTP_TLS:1:1: warning: overrides no key'],
  [
    'a target that the file does not have',
    { AUTHZ_EGRESS_TARGETS_OTHER_URL: 'https://x' },
    'env:AUTHZ_EGRESS_TARGETS_OTHER_URL:1:1: warning: overrides no key',
  ],
  [
    'a value of the wrong kind',
    { AUTHZ_HTTP_TLS_ENABLED: 'yes' },
    'env:AUTHZ_HTTP_TLS_ENABLED:1:1: error: http.tls.enabled: must be true or false',
  ],
  [
    'a value that the key refuses',
    { AUTHZ_HTTP_ADDR: 'x' },
    'env:AUTHZ_HTTP_ADDR:1:1: error: http.addr: is not a listen address (for example :8443, 127.0.0.1:0, [::1]:8080)',
  ],
  [
    'a number with a fraction',
    { AUTHZ_HTTP_MAX_HEADER_BYTES: '1e9' },
    'env:AUTHZ_HTTP_MAX_HEADER_BYTES:1:1: error: http.max_header_bytes: must be a number',
  ],
];
for (const [title, env, finding] of WRONG) {
  test(`${title} in the environment is reported by the name of the variable`, () => {
    const found = findings({ ...SECRET, ...env });
    assert.equal(found.length, 1);
    assert.ok(found.join().startsWith(finding), found.join());
  });
}

test('two targets that one variable could mean are an error', () => {
  const text = 'service: {name: a}\negress: {targets: {a-b: {url: "https://a"}, a_b: {url: "https://b"}}}';
  assert.deepEqual(findings({ AUTHZ_EGRESS_TARGETS_A_B_URL: 'https://c' }, text), [
    'env:AUTHZ_EGRESS_TARGETS_A_B_URL:1:1: error: could override more than one key (egress.targets.a-b.url and egress.targets.a_b.url)',
  ]);
});

test('variables of other programs and AUTHZ_CONFIG_PATH override nothing', () => {
  const env = { AUTHZ_CONFIG_PATH: '/etc/authz/config.yaml', HTTP_ADDR: ':1', authz_http_addr: ':2', ...SECRET };
  assert.deepEqual(findings(env), []);
});

test('what an override sets is not read for variables again', () => {
  assert.match(
    findings({ ...SECRET, AUTHZ_SERVICE_NAME: '${HOME}', HOME: 'x' }).join(),
    /service\.name: is not a name/,
  );
});

for (const [variable, value, read, expected] of [
  ['AUTHZ_HTTP_ADDR', '127.0.0.1:0', (c) => c.http.addr, { host: '127.0.0.1', port: 0 }],
  ['AUTHZ_EGRESS_ADDR', '127.0.0.1:0', (c) => c.egress.addr.port, 0],
  ['AUTHZ_AUDIT_EVENTS', 'request,access', (c) => c.audit.events.join(' '), 'request access'],
  ['AUTHZ_SERVICE_NAME', 'other', (c) => c.service.name, 'other'],
  ['AUTHZ_PROXY_UPSTREAM_URL', 'http://127.0.0.1:4000', (c) => c.proxy.upstream.url, 'http://127.0.0.1:4000'],
  ['AUTHZ_PROXY_AUTH_ENABLED', 'false', (c) => c.proxy.auth.enabled, false],
  ['AUTHZ_PROXY_HEADERS_PASS_TOKEN', 'true', (c) => c.proxy.headers.pass_token, true],
  ['AUTHZ_HTTP_MAX_HEADER_BYTES', '4096', (c) => c.http.max_header_bytes, 4096],
  ['AUTHZ_HTTP_READ_TIMEOUT', '3s', (c) => c.http.read_timeout, 3000],
  ['AUTHZ_POLICY_PATH', '/p', (c) => c.policy.path, '/p'],
  ['AUTHZ_PROXY_HEADERS_EXTRACT', 'X-B, X-C', (c) => c.proxy.headers.extract, ['X-B', 'X-C']],
  ['AUTHZ_PROXY_HEADERS_EXTRACT', '', (c) => c.proxy.headers.extract, []],
  ['AUTHZ_PROXY_ROUTES_0_UPSTREAM', 'https://b.example', (c) => c.proxy.routes[0]?.upstream, 'https://b.example'],
  ['AUTHZ_PROXY_ROUTES_0_METHODS', 'GET', (c) => c.proxy.routes[0]?.methods, ['GET']],
  [
    'AUTHZ_PROXY_HEADERS_INJECT_CLAIMS_REALM_ACCESS_ROLES',
    'X-R',
    (c) => c.proxy.headers.inject_claims,
    { 'realm_access.roles': 'X-R' },
  ],
  [
    'AUTHZ_EGRESS_TARGETS_ORDER_SERVICE_URL',
    'https://c.example',
    (c) => c.egress.targets['order-service']?.url,
    'https://c.example',
  ],
] as [string, string, (config: SidecarConfig) => unknown, unknown][]) {
  test(`${variable}=${value} overrides its key`, () => {
    assert.deepEqual(read(usable({ [variable]: value })), expected);
  });
}

test('an audience may be overridden by one name or by several', () => {
  const jwt = { AUTHZ_JWT_ISSUER: 'https://i', AUTHZ_JWT_JWKS_URL: 'https://i/k' };
  assert.deepEqual(usable({ ...jwt, AUTHZ_JWT_AUDIENCE: 'a' }).jwt.issuers[0]?.audience, ['a']);
  assert.deepEqual(usable({ ...jwt, AUTHZ_JWT_AUDIENCE: 'a,b' }).jwt.issuers[0]?.audience, ['a', 'b']);
});

test('an overridden secret is revealed from the environment, and the variable that is missing there no more needed', () => {
  const { auth } = usable({}).egress.targets['order-service'] ?? {};
  assert.ok(auth?.type === 'oauth2_client_credentials');
  assert.equal(auth.client_secret?.reveal(), 'from-env');
});

test('every key that has a name of its own can be overridden', () => {
  const names = leaves(jsonSchemaOf('sidecar'), 'AUTHZ');
  assert.ok(names.includes('AUTHZ_HTTP_TLS_CLIENT_CA_FILE') && names.length > 40, names.join());
  const env = Object.fromEntries(names.map((name) => [name, 'x']));
  const loaded = load(env);
  assert.ok(!loaded.ok);
  assert.deepEqual(
    loaded.diagnostics.filter(({ code }) => code === 'unknown_override').map(({ file }) => file),
    [],
  );
});

function leaves(shape: Shape, name: string): string[] {
  const keys = Object.entries(shape.properties ?? {});
  if (keys.length === 0)
    return shape.additionalProperties === undefined && shape.items?.type !== 'object' ? [name] : [];
  return keys.flatMap(([key, child]) => leaves(child, `${name}_${key.toUpperCase()}`));
}
