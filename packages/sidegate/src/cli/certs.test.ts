import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { certsInit } from './certs-init.ts';
import type { CertsReport } from './certs-report.ts';
import { certsShow } from './certs-show.ts';
import { certsVerify } from './certs-verify.ts';

const ROOT = path.join(import.meta.dirname, '../../../..');
const LAB = path.join(ROOT, 'examples/three-zones');
const DAY_MS = 86_400_000;
const NOW = Date.now();
const clock = { now: () => NOW, monotonic: () => NOW };

const temporary = () => mkdtempDisposable(path.join(tmpdir(), 'sidegate-certs-'));

/** As on a terminal without colours. */
const plain = ({ text }: CertsReport): string => stripVTControlCharacters(text);

/** As a program reads it. */
const json = ({ json: value }: CertsReport): unknown => JSON.parse(JSON.stringify(value));

async function makeCertificates() {
  const directory = await temporary();
  const report = await certsInit(LAB, { out: directory.path }, clock);
  return {
    directory: directory.path,
    report,
    file: (name: string): string => path.join(directory.path, name),
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

/** The command as a process of its own. */
function certs(...args: readonly string[]) {
  const main = path.join(import.meta.dirname, 'main.ts');
  return spawnSync(process.execPath, ['--conditions=@sidegate/source', main, 'certs', ...args], { encoding: 'utf8' });
}

describe('a wrong command line exits 64', () => {
  const lines: readonly (readonly [string, RegExp])[] = [
    ['init --key-algorithm RSA-1024', /Allowed choices are P-256, RSA-2048, RSA-4096/],
    ['init --valid-for ages', /Write it as in 12h or 365d/],
    ['verify', /missing required argument 'directory'/],
  ];
  for (const [line, reason] of lines) {
    test(`certs ${line}`, () => {
      const { status, stderr } = certs(...line.split(' '));
      assert.equal(status, 64);
      assert.match(stderr, reason);
    });
  }
});

describe('what cannot be used exits 78', () => {
  test('a lab.yaml that is not there', async () => {
    await using directory = await temporary();
    const report = await certsInit(directory.path, {}, clock);
    assert.equal(report.exitCode, 78);
    assert.match(plain(report), /lab\.yaml:1:1: error: cannot be read \(ENOENT\)/);
  });

  test('a lab.yaml with several mistakes, all named with their lines', async () => {
    await using directory = await temporary();
    await writeFile(
      path.join(directory.path, 'lab.yaml'),
      'trust_domain: Example\norganisation: MyOrg\nservices: []\n',
    );
    const report = await certsInit(directory.path, {}, clock);
    assert.equal(report.exitCode, 78);
    for (const line of [/lab.yaml:1:\d+: error: trust_domain/, /lab.yaml:2:1: error: organisation/, /lab.yaml:3:/]) {
      assert.match(plain(report), line);
    }
  });

  test('a lifetime beyond ten years', async () => {
    await using directory = await temporary();
    const report = await certsInit(LAB, { out: directory.path, validFor: 9999 * DAY_MS }, clock);
    assert.equal(report.exitCode, 78);
    assert.match(plain(report), /between a second and ten years/);
  });

  test('a private key where a certificate is shown, and nothing of it is printed', async () => {
    await using tree = await makeCertificates();
    const report = certsShow([tree.file('gateway/server.key')], clock);
    assert.equal(report.exitCode, 78);
    assert.match(plain(report), /server\.key: error: holds no PEM certificate$/);
    const [, secret = 'absent'] = (await readFile(tree.file('gateway/server.key'), 'utf8')).split('\n');
    assert.equal((report.text + JSON.stringify(report.json)).includes(secret.slice(0, 16)), false);
  });

  test('a damaged certificate', async () => {
    await using directory = await temporary();
    const file = path.join(directory.path, 'a.crt');
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    const report = certsShow([file], clock);
    assert.equal(report.exitCode, 78);
    assert.match(plain(report), /a\.crt: error: holds no usable certificate: it is damaged/);
  });

  test('a directory without certificates, on standard error', async () => {
    await using directory = await temporary();
    assert.equal(certsShow([directory.path], clock).exitCode, 78);
    assert.equal(certsShow([path.join(directory.path, 'absent.crt')], clock).exitCode, 78);
    const { status, stdout, stderr } = certs('verify', directory.path);
    assert.deepEqual([status, stdout], [78, '']);
    assert.match(stderr, /error: holds no certificate authority/);
  });
});

test('S3-130 init makes the certificates of lab.yaml, and a second init keeps them', async () => {
  await using tree = await makeCertificates();
  assert.equal(tree.report.exitCode, 0);
  assert.match(plain(tree.report), /^created {2}gateway\/client-zone2 {10}P-256 {2}until \d{4}-\d{2}-\d{2}$/m);
  assert.match(plain(tree.report), /^12 created, 0 renewed, 0 kept in /m);
  const again = await certsInit(path.join(LAB, 'lab.yaml'), { out: tree.directory }, clock);
  assert.match(plain(again), /^0 created, 0 renewed, 12 kept in /m);
});

test('the kind of key and the lifetime are options', async () => {
  await using directory = await temporary();
  const options = { out: directory.path, keyAlgorithm: 'RSA-2048', validFor: 30 * DAY_MS } as const;
  const { certificates } = json(await certsInit(LAB, options, clock)) as {
    certificates: { action: string; key: string; not_after: string }[];
  };
  assert.equal(certificates.length, 12);
  for (const { action, key, not_after } of certificates) {
    assert.deepEqual([action, key], ['created', 'RSA-2048']);
    assert.equal(Math.round((Date.parse(not_after) - NOW) / DAY_MS), 30);
  }
});

test('show prints names, issuer, purpose, days left and thumbprint', async () => {
  await using tree = await makeCertificates();
  const { exitCode, json: shown } = certsShow([tree.file('gateway')], clock);
  assert.equal(exitCode, 0);
  const text = plain(certsShow([tree.file('gateway/client-zone2.crt')], clock));
  assert.match(text, /^ {2}subject {3}CN=api-gateway-client,O=MyOrg$/m);
  assert.match(text, /^ {2}issuer {4}CN=zone2-CA,O=MyOrg$/m);
  assert.match(text, /^ {2}names {5}uri:spiffe:\/\/example\.org\/zone1\/api-gateway$/m);
  assert.match(text, /^ {2}purpose {3}TLS client$/m);
  assert.match(text, / UTC, 364 days left$/m);
  assert.match(text, /^ {2}x5t#S256 {2}[\w-]{43}$/m);
  assert.equal((shown as unknown[]).length, 2);
});

test('a name with terminal escapes is shown, not obeyed', async () => {
  await using directory = await temporary();
  const file = path.join(directory.path, 'hostile.crt');
  await writeFile(file, createTestAuthority('zone1-CA').issue({ dns: ['a\u001b[2J.local'] }).certPem);
  assert.match(plain(certsShow([file], clock)), /"dns:a\\u001b\[2J\.local"/);
});

test('a certificate that has expired says since when', async () => {
  await using tree = await makeCertificates();
  const later = { ...clock, now: () => NOW + 400 * DAY_MS };
  assert.match(plain(certsShow([tree.file('gateway/server.crt')], later)), /expired 36 days ago$/m);
});

test('verify exits 0 where everything verifies, and 1 with findings for people and as JSON', async () => {
  await using tree = await makeCertificates();
  const good = await certsVerify(tree.directory, clock);
  assert.deepEqual([good.exitCode, plain(good)], [0, 'ok: 12 certificates verify']);

  await chmod(tree.file('gateway/server.key'), 0o644);
  const bad = await certsVerify(tree.directory, clock);
  assert.equal(bad.exitCode, 1);
  assert.match(plain(bad), /^gateway\/server\.key: error: can be read by others \(mode 0644\)/);
  assert.match(plain(bad), /^1 finding in 12 certificates$/m);
  const { ok, findings } = json(bad) as { ok: boolean; findings: { file: string; code: string }[] };
  assert.equal(ok, false);
  assert.deepEqual(
    findings.map(({ file, code }) => [file, code]),
    [['gateway/server.key', 'key_mode']],
  );
});
