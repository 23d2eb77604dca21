import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

const ROOT = path.join(import.meta.dirname, '../../../..');
const MAIN = path.join(import.meta.dirname, 'main.ts');

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function sidegate(...args: readonly string[]): Promise<Run> {
  const command = ['--conditions=@sidegate/source', MAIN, 'certs', ...args];
  const options = { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Run;
    return { code, stdout, stderr };
  }
}

const temporary = () => mkdtempDisposable(path.join(tmpdir(), 'sidegate-certs-'));

describe('a wrong command line exits 64', () => {
  const lines: readonly (readonly [string, RegExp])[] = [
    ['init --key-algorithm RSA-1024', /Allowed choices are P-256, RSA-2048, RSA-4096/],
    ['init --valid-for ages', /Write it as in 12h or 365d/],
    ['show', /missing required argument 'source'/],
    ['verify', /missing required argument 'directory'/],
  ];
  for (const [line, reason] of lines) {
    test(`certs ${line}`, async () => {
      const { code, stderr } = await sidegate(...line.split(' '));
      assert.equal(code, 64);
      assert.match(stderr, reason);
    });
  }
});

describe('what cannot be used exits 78', () => {
  test('a lab.yaml that is not there', async () => {
    await using directory = await temporary();
    const { code, stderr } = await sidegate('init', directory.path);
    assert.equal(code, 78);
    assert.match(stderr, /lab\.yaml:1:1: error: cannot be read \(ENOENT\)/);
  });

  test('a lab.yaml with several mistakes, all named with their lines', async () => {
    await using directory = await temporary();
    await writeFile(
      path.join(directory.path, 'lab.yaml'),
      'trust_domain: Example\norganisation: MyOrg\nservices: []\n',
    );
    const { code, stdout } = await sidegate('init', directory.path, '--json');
    assert.equal(code, 78);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { line: number; path: string }[] };
    assert.equal(ok, false);
    const lines = new Set(findings.map(({ line, path: key }) => `${line} ${key}`));
    for (const expected of ['1 trust_domain', '2 organisation', '3 services']) assert.ok(lines.has(expected), expected);
  });

  test('a lifetime beyond ten years', async () => {
    await using directory = await temporary();
    const { code, stderr } = await sidegate(
      'init',
      'examples/three-zones',
      '--out',
      directory.path,
      '--valid-for',
      '9999d',
    );
    assert.equal(code, 78);
    assert.match(stderr, /between a second and ten years/);
  });

  test('a private key where a certificate is shown, and nothing of it is printed', async () => {
    await using directory = await temporary();
    await sidegate('init', 'examples/three-zones', '--out', directory.path);
    const key = path.join(directory.path, 'gateway/server.key');
    const { code, stdout, stderr } = await sidegate('show', key);
    assert.equal(code, 78);
    assert.equal(stdout, '');
    assert.match(stderr, /holds no PEM certificate/);
    const [, secret = ''] = (await readFile(key, 'utf8')).split('\n');
    assert.equal(stderr.includes(secret.slice(0, 16)), false);
  });

  test('a directory without certificates', async () => {
    await using directory = await temporary();
    assert.equal((await sidegate('verify', directory.path)).code, 78);
    assert.equal((await sidegate('show', directory.path)).code, 78);
    assert.equal((await sidegate('show', path.join(directory.path, 'absent.crt'))).code, 78);
  });
});

describe('certificates of the three zones', () => {
  test('S3-130 init makes them, a second init keeps them, verify agrees, show describes them', async () => {
    await using directory = await temporary();
    const init = () => sidegate('init', 'examples/three-zones', '--out', directory.path);
    const first = await init();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /^created {2}gateway\/client-zone2 {10}P-256 {2}until \d{4}-\d{2}-\d{2}$/m);
    assert.match(first.stdout, /^12 created, 0 renewed, 0 kept in /m);
    assert.match((await init()).stdout, /^0 created, 0 renewed, 12 kept in /m);

    const verified = await sidegate('verify', directory.path);
    assert.deepEqual(verified, { code: 0, stdout: 'ok: 12 certificates verify\n', stderr: '' });

    const shown = await sidegate('show', path.join(directory.path, 'gateway'));
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /^ {2}subject {3}CN=api-gateway-client,O=MyOrg$/m);
    assert.match(shown.stdout, /^ {2}issuer {4}CN=zone2-CA,O=MyOrg$/m);
    assert.match(shown.stdout, /^ {2}names {5}uri:spiffe:\/\/example\.org\/zone1\/api-gateway$/m);
    assert.match(shown.stdout, /^ {2}x5t#S256 {2}[\w-]{43}$/m);
    assert.equal(shown.stdout.includes('\u001b'), false);
  });

  test('findings exit 1 and are on standard output, for people and as JSON', async () => {
    await using directory = await temporary();
    await sidegate('init', 'examples/three-zones', '--out', directory.path);
    await chmod(path.join(directory.path, 'gateway/server.key'), 0o644);
    const { code, stdout } = await sidegate('verify', directory.path);
    assert.equal(code, 1);
    assert.match(stdout, /^gateway\/server\.key: error: can be read by others \(mode 0644\)/);
    assert.match(stdout, /^1 finding in 12 certificates$/m);
    const json = await sidegate('verify', directory.path, '--json');
    assert.equal(json.code, 1);
    const { ok, findings } = JSON.parse(json.stdout) as { ok: boolean; findings: { file: string; code: string }[] };
    assert.equal(ok, false);
    assert.deepEqual(
      findings.map((finding) => [finding.file, finding.code]),
      [['gateway/server.key', 'key_mode']],
    );
  });

  test('the kind of key and the lifetime are options', async () => {
    await using directory = await temporary();
    const options = ['--out', directory.path, '--key-algorithm', 'RSA-2048', '--valid-for', '30d', '--json'];
    const { code, stdout } = await sidegate('init', 'examples/three-zones', ...options);
    assert.equal(code, 0);
    const { certificates } = JSON.parse(stdout) as {
      certificates: { action: string; key: string; not_after: string }[];
    };
    assert.equal(certificates.length, 12);
    for (const { action, key, not_after } of certificates) {
      assert.equal(action, 'created');
      assert.equal(key, 'RSA-2048');
      assert.equal(Math.round((Date.parse(not_after) - Date.now()) / 86_400_000), 30);
    }
  });
});
