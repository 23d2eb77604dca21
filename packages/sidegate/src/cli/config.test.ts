import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-code.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const GOOD = 'service: {name: test}\n';

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function sidegate(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const argv = ['--conditions=@sidegate/source', MAIN, ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, argv, { env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

const folder = () => mkdtempDisposable(join(tmpdir(), 'sidegate-config-'));

test('S3-220 a file that AUTHZ_CONFIG_PATH names and that is missing is a clear error', async () => {
  const env = { AUTHZ_CONFIG_PATH: '/nowhere/config.yaml' };
  for (const command of [['sidecar'], ['config', 'check']]) {
    const { code, stdout, stderr } = await sidegate(command, env);
    assert.equal(code, EXIT.config);
    assert.match(stdout + stderr, /\/nowhere\/config\.yaml.*: error: cannot be read/);
  }
});

test('S3-189 config check prints every finding and exits 78', async () => {
  await using dir = await folder();
  const file = join(dir.path, 'a.yaml');
  await writeFile(file, `${GOOD}http: {adr: 1}\nproxi: {}\n`);
  const { code, stdout, stderr } = await sidegate(['config', 'check', file]);
  assert.equal(code, EXIT.config);
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `${file}:2:8: error: http.adr: is an unknown key (did you mean addr?)`,
    `${file}:3:1: error: proxi: is an unknown key (did you mean proxy?)`,
    `${file}: not usable`,
  ]);
});

test('one wrong file among several decides, also as JSON', async () => {
  await using dir = await folder();
  const [good, wrong] = [join(dir.path, 'good.yaml'), join(dir.path, 'wrong.yaml')];
  await writeFile(good, `${GOOD}proxy: {mtls: {allowed_clients: ["CN=a"]}}`);
  await writeFile(wrong, 'http: {');
  const { code, stdout } = await sidegate(['config', 'check', '--json', good, wrong]);
  assert.equal(code, EXIT.config);
  const { ok, files } = JSON.parse(stdout);
  assert.equal(ok, false);
  assert.deepEqual(
    files.map((file: { ok: boolean; findings: { code: string }[] }) => [
      file.ok,
      file.findings.map((found) => found.code),
    ]),
    [
      [true, ['no_effect']],
      [false, ['syntax']],
    ],
  );
});

test('S3-220 config check without files takes the file of SIDEGATE_CONFIG, then that of AUTHZ_CONFIG_PATH', async () => {
  await using dir = await folder();
  const file = join(dir.path, 'config.yaml');
  await writeFile(file, GOOD);
  for (const env of [{ AUTHZ_CONFIG_PATH: file }, { SIDEGATE_CONFIG: file, AUTHZ_CONFIG_PATH: '/nowhere' }]) {
    assert.deepEqual(await sidegate(['config', 'check'], env), { code: EXIT.ok, stdout: `${file}: ok\n`, stderr: '' });
  }
});

test('a secret file is found below --root, or beside the configuration', async () => {
  await using dir = await folder();
  const target = 'url: "https://a", auth: {type: oauth2_client_credentials, token_url: "https://t", client_id: a';
  await writeFile(join(dir.path, 'secret'), 's\n');
  for (const [path, args] of [
    ['/secret', ['--root', dir.path]],
    ['./secret', []],
  ] as const) {
    const file = join(dir.path, 'a.yaml');
    await writeFile(file, `${GOOD}egress: {targets: {a: {${target}, client_secret_file: ${path}}}}}\n`);
    const { code, stdout } = await sidegate(['config', 'check', ...args, file]);
    assert.deepEqual([code, stdout], [EXIT.ok, `${file}: ok\n`]);
  }
});

test('S4-031 config check --kind manifest tells where a mesh takes calls without a certificate, and exits 78', async () => {
  await using dir = await folder();
  const file = join(dir.path, 'mesh.yaml');
  const head = 'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nspec:\n  mtls:\n    mode: ';
  await writeFile(file, `${head}PERMISSIVE\n`);
  const { code, stdout } = await sidegate(['config', 'check', '--kind', 'manifest', file]);
  assert.equal(code, EXIT.config);
  assert.match(stdout, new RegExp(`^${file}:5:11: error: spec\\.mtls\\.mode: is PERMISSIVE`));
  await writeFile(file, `${head}STRICT\n`);
  assert.equal((await sidegate(['config', 'check', '--kind', 'manifest', file])).code, EXIT.ok);
});

test('the manifests that we ship and generate let nobody through without a certificate', async () => {
  await using dir = await folder();
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  assert.equal(
    (await sidegate(['generate', 'istio', join(root, 'examples/kubernetes'), '--out', dir.path])).code,
    EXIT.ok,
  );
  const shipped = ['deploy/kubernetes/certificate.yaml', 'deploy/kubernetes/network-policy.yaml'].map((name) =>
    join(root, name),
  );
  const generated = ['peer-authentication.yaml', 'authorization-policies.yaml'].map((name) => join(dir.path, name));
  const { code, stdout } = await sidegate(['config', 'check', '--kind', 'manifest', ...shipped, ...generated]);
  assert.equal(code, EXIT.ok, stdout);
  assert.equal(stdout.match(/: ok$/gm)?.length, 4);
});

test('a wrong command line exits 64', async () => {
  for (const args of [['check'], ['schema', '--kind', 'other']]) {
    assert.equal((await sidegate(['config', ...args])).code, EXIT.usage, args.join(' '));
  }
});

test('config schema prints the JSON Schema of the kind that was asked for', async () => {
  const { code, stdout } = await sidegate(['config', 'schema', '--kind', 'idp']);
  assert.equal(code, EXIT.ok);
  assert.ok('base_url' in JSON.parse(stdout).properties);
});
