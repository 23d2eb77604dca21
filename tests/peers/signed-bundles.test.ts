/** Bundles that the real OPA builds and signs, and what becomes of them when something about them is wrong. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type BundleVerification, compile, NODE_HOST, readBundle } from '@sidegate/rego';
import { withoutOpa } from './opa-binary.ts';
import { runOpa } from './opa-command.ts';

const POLICY = 'package order\n\nallow if input.user in data.users.names\n';

const KEYS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS512: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
} as const;
type Algorithm = keyof typeof KEYS;

/** A bundle of `opa build`, signed unless no algorithm is given. */
function build(algorithm: Algorithm | undefined, claims: Readonly<Record<string, string>> = {}): Buffer {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-signed-'));
  const write = (name: string, text: string): void => writeFileSync(path.join(folder.path, name), text);
  mkdirSync(path.join(folder.path, 'src/users'), { recursive: true });
  write('src/order.rego', POLICY);
  write('src/users/data.json', '{"names": ["amal", "é"],\n  "limit": 1.50}');
  write('claims.json', JSON.stringify({ keyid: 'default', ...claims }));
  if (algorithm !== undefined) write('key.pem', KEYS[algorithm].privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const signing =
    algorithm === undefined
      ? []
      : ['--signing-key', 'key.pem', '--signing-alg', algorithm, '--claims-file', 'claims.json'];
  const run = runOpa(['build', '--bundle', 'src', '--output', 'b.tar.gz', ...signing], folder.path);
  assert.equal(run.code, 0, run.stderr);
  return readFileSync(path.join(folder.path, 'b.tar.gz'));
}

function trusting(algorithm: Algorithm, more: Partial<BundleVerification> = {}): BundleVerification {
  const key = KEYS[algorithm].publicKey.export({ format: 'pem', type: 'spki' });
  return { keys: { default: { key, algorithm } }, ...more };
}

function verdict(bytes: Buffer, verification: BundleVerification): string {
  const read = readBundle(bytes, { host: NODE_HOST, verification });
  if (!read.ok) return read.diagnostics.map(({ file, message }) => `${file} ${message}`).join('\n');
  const compiled = compile(read.bundle.modules, { data: read.bundle.data });
  assert.ok(compiled.ok);
  return compiled.policy.evaluate({ user: 'amal' }, 'data.order.allow') === true ? 'allowed' : 'denied';
}

/** One byte of the archive's text exchanged, with a right gzip sum. */
function damaged(bytes: Buffer, text: string, other: string): Buffer {
  const archive = gunzipSync(bytes);
  const at = archive.indexOf(text);
  assert.ok(at > 0 && text.length === other.length);
  archive.write(other, at);
  return gzipSync(archive);
}

describe('bundles of the real OPA', { skip: withoutOpa() }, () => {
  const REFUSED: readonly (readonly [
    title: string,
    bytes: () => Buffer,
    verification: BundleVerification,
    message: RegExp,
  ])[] = [
    ['that are not signed', () => build(undefined), trusting('ES256'), /is missing: the bundle is not signed/],
    [
      'of another key',
      () => build('ES256'),
      { keys: { default: { ...trusting('RS256').keys['default'], algorithm: 'RS256' } } as BundleVerification['keys'] },
      /signed with "ES256", but its key is for RS256/,
    ],
    [
      'of a key that is expected to have another id',
      () => build('ES256'),
      trusting('ES256', { keyId: 'release' }),
      /a key "release", which is not trusted/,
    ],
    [
      'of a scope, when none is expected',
      () => build('ES256', { scope: 'write' }),
      trusting('ES256'),
      /has the scope "write" instead of ""/,
    ],
    [
      'without the scope that is expected',
      () => build('ES256'),
      trusting('ES256', { scope: 'read' }),
      /has the scope "" instead of "read"/,
    ],
    [
      'with a changed policy',
      () => damaged(build('ES256'), 'input.user in', 'input.usor in'),
      trusting('ES256'),
      /order\.rego is not what was signed/,
    ],
    [
      'with changed data',
      () => damaged(build('ES256'), '"amal"', '"adam"'),
      trusting('ES256'),
      /data\.json is not what was signed/,
    ],
  ];
  for (const [title, bytes, verification, message] of REFUSED) {
    test(`${title} are refused`, () => assert.match(verdict(bytes(), verification), message));
  }

  for (const algorithm of Object.keys(KEYS) as Algorithm[]) {
    test(`signed with ${algorithm} decide`, () => {
      assert.equal(verdict(build(algorithm), trusting(algorithm)), 'allowed');
    });
  }

  test('signed for a scope decide where it is expected', () => {
    assert.equal(verdict(build('ES256', { scope: 'read' }), trusting('ES256', { scope: 'read' })), 'allowed');
  });
});
