/** What `npm pack` makes can be installed and used: the command, a sidecar, and the types of the libraries. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { startSidecarProcess } from '../support/sidecar-process.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import { type InstalledPackages, installPackages } from './installed-package.ts';

const COMPILER = path.resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
const OXLINT = path.resolve(import.meta.dirname, '../../node_modules/oxlint/bin/oxlint');
const ESLINT = path.resolve(import.meta.dirname, '../../node_modules/eslint/bin/eslint.js');
const TYPES = path.resolve(import.meta.dirname, '../../node_modules/@types');
const NAMES = ['@sidegate/rego', '@sidegate/sdk', '@sidegate/eslint-plugin', 'sidegate'];
/** Where it stands, and some room: docs/decisions/0030. */
const SDK_BYTES = 600_000;
const ISSUER = 'https://keycloak.example.com/realms/users';
const POLICY = `package order

default allow := false

allow if {
	input.mtls.subject.CN == "api-gateway-client"
	"orders:read" in input.token.realm_access.roles
}
`;

let installed: InstalledPackages;
before(async () => {
  installed = await installPackages();
});
after(() => installed?.[Symbol.dispose]());

for (const name of NAMES) {
  test(`${name} carries neither sources nor tests, and its licence`, () => {
    const folder = path.join(installed.directory, 'node_modules', name);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => !file.includes('node_modules'),
    );
    const strangers = files.filter((file) => /\.test\.|(?<!\.d)\.ts$|tsbuildinfo/.test(file));
    assert.deepEqual(strangers, []);
    for (const file of ['LICENSE', 'README.md', 'dist']) assert.ok(files.includes(file), file);
  });

  test(`${name} points at files that are there`, () => {
    const folder = path.join(installed.directory, 'node_modules', name);
    const {
      exports = {},
      imports = {},
      bin = {},
    } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<string, object>;
    const missing = [exports, imports, bin].flatMap(targets).filter((target) => !existsSync(path.join(folder, target)));
    assert.deepEqual(missing, []);
  });
}

/** What an entry point loads at once, besides Node's own modules. */
const LOADED: readonly (readonly [entry: string, packages: readonly string[]])[] = [
  ['', []],
  ['/client', []],
  ['/server', []],
  ['/settings', []],
  ['/service-tokens', []],
  ['/gateway', []],
  ['/wimse', []],
  ['/signatures', ['structured-headers']],
];

for (const [entry, packages] of LOADED) {
  test(`an import of @sidegate/sdk${entry} loads ${packages.join() || 'no other package'}, and neither TLS nor HTTP`, async () => {
    installed.write('loaded.js', LOADED_BY);
    const { stdout, stderr } = await installed.run('node', 'loaded.js', `@sidegate/sdk${entry}`);
    assert.equal(stderr, '');
    const modules = stdout.trimEnd().split('\n');
    const foreign = modules.flatMap(
      (url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1] ?? [],
    );
    assert.deepEqual([...new Set(foreign)], ['@sidegate/sdk', ...packages]);
    const dear = modules.filter((url) => /^node:(?:tls|https?|http2|dns|zlib|sqlite)$/.test(url));
    assert.deepEqual(dear, []);
  });
}

const LOADED_BY = `import { registerHooks } from 'node:module';
const urls = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    urls.add(resolved.url);
    return resolved;
  },
});
await import(process.argv[2]);
console.log([...urls].join('\\n'));
`;

test('the SDK has two dependencies, and is no larger than what is known of it', () => {
  const folder = path.join(installed.directory, 'node_modules/@sidegate/sdk');
  const { dependencies } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly dependencies: object;
  };
  assert.deepEqual(Object.keys(dependencies).sort(), ['structured-headers', 'undici']);
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) =>
    statSync(path.join(folder, file)),
  );
  const bytes = sizes.filter((each) => each.isFile()).reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes < SDK_BYTES, `${bytes} bytes`);
});

test('an unknown command is refused, --help names all of them', async () => {
  assert.equal((await installed.run('npx', 'sidegate', 'nothing')).code, 64);
  const { code, stdout } = await installed.run('npx', 'sidegate', '--help');
  assert.equal(code, 0);
  for (const command of ['up', 'sidecar', 'idp', 'certs', 'config', 'policy'])
    assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
});

test('a policy is evaluated', async () => {
  installed.write('small.rego', 'package small\n\nanswer := count([x | some x in input.list; x > 1])\n');
  installed.write('input.json', '{ "list": [1, 2, 3] }');
  const { stdout, stderr } = await installed.run(
    'npx',
    'sidegate',
    'policy',
    'eval',
    'data.small.answer',
    '--data',
    'small.rego',
    '--input',
    'input.json',
  );
  assert.equal(stdout, '2\n', stderr);
});

test('a sidecar answers over mutual TLS, and refuses who shows no certificate', async () => {
  const zone = createTestAuthority('zone2-CA');
  const server = zone.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });
  const client = zone.issue({
    subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
    uris: ['spiffe://example.org/zone1/api-gateway'],
  });
  const key = createSigningKey('ES256', 'users-1');
  await using jwks = await startJwksServer(bytes(keySetBytes(key.jwk())));
  await using app = await startHttpApp();
  const root = path.join(installed.directory, 'sidecar');
  for (const [name, content] of Object.entries({
    'config.yaml': configuration(jwks.origin, app.port),
    'server.crt': server.certPem,
    'server.key': server.keyPem,
    'ca.crt': zone.certPem,
    'policies/order.rego': POLICY,
  })) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), content, { mode: 0o600 });
  }
  await using sidecar = await startSidecarProcess(['--config', path.join(root, 'config.yaml')], {}, [
    process.execPath,
    installed.command,
  ]);
  assert.ok(sidecar.listening?.ingress, sidecar.stderr());
  await until(() => sidecar.stdout().includes('"event":"ready"'));
  const port = Number(sidecar.listening.ingress.split(':').at(-1));
  const seconds = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    aud: 'order-service',
    sub: 'user-123',
    azp: 'web-app',
    iat: seconds,
    exp: seconds + 300,
  };
  const token = mint({ ...claims, realm_access: { roles: ['orders:read'] } }, { key });
  const request = { target: '/orders/42', headers: ['Authorization', `Bearer ${token}`] };

  await assert.rejects(sendRequest({ port, tls: { ca: zone.certPem } }, request));
  assert.equal(app.seen.length, 0);
  const tls = { ca: zone.certPem, cert: client.certPem, key: client.keyPem };
  const answer = await sendRequest({ port, tls }, request);
  assert.equal(answer.status, 200, answer.raw + sidecar.stdout());
  assert.deepEqual(
    app.seen.map(({ url }) => url),
    ['/orders/42'],
  );
  assert.equal(await sidecar.end(), 0, sidecar.stderr());
});

test('the lint rules run in oxlint and in ESLint, from the package', async () => {
  installed.write('service.js', "export const orders = () => fetch('http://orders-service:8000/orders');\n");
  const jsPlugins = [{ name: 'sidegate', specifier: '@sidegate/eslint-plugin' }];
  const rules = { 'sidegate/no-anonymous-service-call': 'error' };
  installed.write('.oxlintrc.json', JSON.stringify({ jsPlugins, rules }));
  const oxlint = await installed.run(process.execPath, OXLINT, 'service.js');
  assert.equal(oxlint.code, 1, oxlint.stderr);
  assert.match(oxlint.stdout, /AUTH-14: this call to orders-service proves nobody/);

  installed.write(
    'eslint.config.js',
    "import sidegate from '@sidegate/eslint-plugin';\nexport default [sidegate.configs.recommended];\n",
  );
  const eslint = await installed.run(process.execPath, ESLINT, 'service.js');
  assert.equal(eslint.code, 1, eslint.stderr);
  assert.match(
    eslint.stdout,
    /AUTH-14: this call to orders-service proves nobody.*sidegate\/no-anonymous-service-call/s,
  );
});

test('the guard sees what a program sends, from the package', async () => {
  installed.write('calls.js', "await fetch('http://127.0.0.1:59/orders').catch(() => {});\n");
  const { code, stderr } = await installed.run(process.execPath, '--import', '@sidegate/sdk/guard', 'calls.js');
  assert.equal(code, 0);
  assert.match(stderr, /AUTH-14: GET http:\/\/127\.0\.0\.1:59\/orders proves nobody[^\n]*\n {2}at \S*calls\.js:1:7\n/);
});

for (const [name, types, lines] of [
  [
    '@sidegate/rego',
    [],
    [
      "import { compile, type Decision } from '@sidegate/rego';",
      "const result = compile([{ file: 'a.rego', text: 'package a' }]);",
      'if (!result.ok) throw new Error(result.diagnostics.join());',
      "const decision: Decision = result.policy.prepareDecision('data.a.allow')({});",
      'export const allowed: boolean = decision.value === true;',
    ],
  ],
  [
    '@sidegate/sdk',
    ['node'],
    [
      "import { asProblem, parseSpiffeId, type Problem, type SpiffeId } from '@sidegate/sdk';",
      "export const caller: SpiffeId = parseSpiffeId('spiffe://example.org/orders');",
      'export const domain: string = caller.trustDomain;',
      "export const problem: Problem = asProblem(new Error('no'));",
      'export const known: boolean = problem instanceof Error;',
    ],
  ],
] as const) {
  test(`the types of ${name} hold in a project of its user`, async () => {
    const compilerOptions = { module: 'nodenext', strict: true, noEmit: true, types, typeRoots: [TYPES] };
    installed.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    installed.write('consumer.ts', lines.join('\n').replace('boolean', 'number'));
    const wrong = await installed.run(process.execPath, COMPILER, '--pretty', 'false');
    assert.match(wrong.stdout, /^consumer\.ts\(5,\d+\): error TS2322:[^\n]*\n$/, 'a wrong type, and nothing else');
    installed.write('consumer.ts', lines.join('\n'));
    const right = await installed.run(process.execPath, COMPILER, '--pretty', 'false');
    assert.equal(right.stdout, '');
    assert.equal(right.code, 0);
  });
}

const configuration = (jwks: string, app: number): string => `
http:
  addr: 127.0.0.1:0
  tls: { enabled: true, cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth: require }
jwt: { issuer: "${ISSUER}", audience: order-service, jwks_url: "${jwks}/certs" }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app}" }
  authz: { policy_query: data.order.allow }
  mtls: { enabled: true, allowed_clients: ["spiffe://example.org/zone1/api-gateway"] }
identities:
  spiffe://example.org/zone1/api-gateway: { client_id: api-gateway, may_forward: [web-app] }
policy: { path: policies }
`;

/** Every file that a map of conditions leads to, besides those of the repository's own condition. */
function targets(map: unknown): string[] {
  if (typeof map === 'string') return [map];
  return Object.entries(map as object).flatMap(([key, below]) => (key === '@sidegate/source' ? [] : targets(below)));
}
