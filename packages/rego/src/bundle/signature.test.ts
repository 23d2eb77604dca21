import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type BundleFiles,
  createBundleSigner,
  digestsOf,
  hmacWith,
  packBundle,
  type SignOptions,
  signFiles,
} from '../../../../tests/support/policy-bundle.ts';
import { NODE_HOST } from '../evaluate/node-host.ts';
import { toPlainJson } from '../value/json.ts';
import { type BundleResult, readBundle } from './read-bundle.ts';
import type { BundleVerification } from './signature.ts';

const SIGNER = createBundleSigner();
const OTHER = createBundleSigner();
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const RSA_PEM = RSA.publicKey.export({ format: 'pem', type: 'spki' });
const FILES: BundleFiles = {
  '.manifest': '{"revision":"r1","roots":["order"]}',
  'order/order.rego': 'package order\n\nallow := data.order.open\n',
  'order/data.json': '{"open":true}',
  'README.md': 'read me',
};
const TRUSTED: BundleVerification = { keys: { default: { key: SIGNER.publicPem, algorithm: 'ES256' } } };

function verdict(files: BundleFiles, verification = TRUSTED): string {
  const read = readBundle(packBundle(files), { host: NODE_HOST, verification });
  return read.ok ? 'read' : read.diagnostics.map(({ file, message }) => `${file} ${message}`).join('\n');
}

function signed(options: SignOptions = {}): BundleFiles {
  return signFiles(FILES, SIGNER, options);
}

function signatures(document: unknown): BundleFiles {
  return { ...FILES, '.signatures.json': JSON.stringify(document) };
}

function without(files: BundleFiles, name: string): BundleFiles {
  return Object.fromEntries(Object.entries(files).filter(([each]) => each !== name));
}

function tokenOf(files: BundleFiles): string {
  return /"([\w.-]+)"\]/.exec(files['.signatures.json'] ?? '')?.[1] ?? '';
}

test('a bundle of the trusted key is read', () => assert.equal(verdict(signed()), 'read'));

describe('signatures that prove nothing', () => {
  const [header, claims, signature] = tokenOf(signed()).split('.');
  const CASES: readonly (readonly [title: string, files: BundleFiles, message: RegExp])[] = [
    ['none at all', FILES, /is missing: the bundle is not signed/],
    ['an empty list', signatures({ signatures: [] }), /exactly one signature/],
    ['no list', signatures({}), /exactly one signature/],
    ['two, one of them right', signatures({ signatures: [tokenOf(signed()), 'a.b.c'] }), /exactly one signature/],
    ['no object', signatures([tokenOf(signed())]), /exactly one signature/],
    ['made for a plugin', signatures({ signatures: [tokenOf(signed())], plugin: 'mine' }), /a plugin/],
    ['another key', signFiles(FILES, OTHER), /not by the key "default"/],
    ['an unknown key', signed({ header: { kid: 'other' } }), /a key "other", which is not trusted/],
    [
      'a key named as every object has one',
      signed({ header: { kid: 'constructor' } }),
      /"constructor", which is not trusted/,
    ],
    ['no key named', signed({ header: { kid: undefined } }), /a key "", which is not trusted/],
    [
      'alg none, unsigned',
      signatures({ signatures: [`${b64({ alg: 'none', kid: 'default' })}.${claims}.`] }),
      /three parts/,
    ],
    ['alg none', signed({ header: { alg: 'none' } }), /signed with "none", but its key is for ES256/],
    ['no alg', signed({ header: { alg: undefined } }), /signed with "none"/],
    ['another algorithm', signed({ header: { alg: 'ES384' } }), /but its key is for ES256/],
    [
      'HS256 with the public key as the secret',
      signed({ header: { alg: 'HS256' }, sign: hmacWith(SIGNER.publicPem) }),
      /but its key is for ES256/,
    ],
    ['a critical header', signed({ header: { crit: ['b64'], b64: false } }), /critical header/],
    [
      'another header',
      signatures({ signatures: [`${b64({ alg: 'ES256', kid: 'default', x: 1 })}.${claims}.${signature}`] }),
      /not by the key/,
    ],
    ['an empty signature', signatures({ signatures: [`${header}.${claims}.`] }), /three parts/],
    ['a short signature', signatures({ signatures: [`${header}.${claims}.AAAA`] }), /not by the key/],
    ['zeros as signature', signed({ sign: () => Buffer.alloc(64) }), /not by the key/],
    ['a fourth part', signatures({ signatures: [`${tokenOf(signed())}.a`] }), /three parts/],
    ['a line break within', signatures({ signatures: [`${header}.${claims}.\n${signature}`] }), /not base64url/],
    ['padding', signatures({ signatures: [`${header}.${claims}.${signature}==`] }), /not base64url/],
    ['a header that is no object', signatures({ signatures: [`${b64([])}.${claims}.${signature}`] }), /no JSON object/],
    ['claims that are no JSON', signatures({ signatures: [`${header}.e30x.${signature}`] }), /no JSON object/],
    ['no files', signed({ claims: { files: undefined } }), /lists no files/],
    ['a file without hash', signed({ claims: { files: [{ name: 'a', algorithm: 'SHA-256' }] } }), /without name, hash/],
    ['a file twice', signed({ claims: { files: [...digestsOf(FILES), ...digestsOf(FILES)] } }), /lists a file twice/],
    ['MD5', signed({ claims: { files: digestsOf(FILES, 'MD5') } }), /weak or unknown digest/],
    [
      'a digest named as every object has one',
      signed({ claims: { files: digestsOf(FILES).map((file) => ({ ...file, algorithm: 'toString' })) } }),
      /weak or unknown digest/,
    ],
    ['too long a document', { ...FILES, '.signatures.json': ' '.repeat(4 * 1024 * 1024 + 1) }, /is longer than/],
    ['a scope that nobody asked for', signed({ claims: { scope: 'write' } }), /the scope "write" instead of ""/],
  ];
  for (const [title, files, message] of CASES) test(title, () => assert.match(verdict(files), message));
});

describe('files that are not what was signed', () => {
  const CASES: readonly (readonly [title: string, files: BundleFiles, message: RegExp])[] = [
    [
      'a changed policy',
      { ...signed(), 'order/order.rego': 'package order\n\nallow := true\n' },
      /^order\/order\.rego is not what was signed$/,
    ],
    [
      'a policy with another line end',
      { ...signed(), 'order/order.rego': `${FILES['order/order.rego']}\n` },
      /not what was signed/,
    ],
    [
      'changed data',
      { ...signed(), 'order/data.json': '{"open":false}' },
      /^order\/data\.json is not what was signed$/,
    ],
    [
      'a number written in another way',
      { ...signFiles({ 'data.json': '{"a":1.0}' }, SIGNER), 'data.json': '{"a":1}' },
      /not what was signed/,
    ],
    [
      'changed roots',
      { ...signed(), '.manifest': '{"revision":"r1","roots":["order","users"]}' },
      /^\.manifest is not what/,
    ],
    [
      'a changed file that nothing reads',
      { ...signed(), 'README.md': 'read me!' },
      /^README\.md is not what was signed$/,
    ],
    ['one more policy', { ...signed(), 'b.rego': 'package order.b' }, /^b\.rego is not signed$/],
    ['one more file that nothing reads', { ...signed(), b: '' }, /^b is not signed$/],
    ['no policy', without(signed(), 'order/order.rego'), /^order\/order\.rego is signed, but missing$/],
    ['no manifest', without(signed(), '.manifest'), /^\.manifest is signed, but missing$/],
  ];
  for (const [title, files, message] of CASES) test(title, () => assert.match(verdict(files), message));

  test('every difference is told', () => {
    const files = { ...without(signed(), '.manifest'), 'b.rego': 'package b', 'README.md': '' };
    assert.equal(verdict(files).split('\n').length, 3);
  });
});

test('no byte of a signed archive can change what is read', () => {
  const archive = gunzipSync(packBundle(signed()));
  const read = (bytes: Buffer) => readBundle(gzipSync(bytes, { level: 0 }), { host: NODE_HOST, verification: TRUSTED });
  const content = (result: BundleResult) =>
    result.ok ? [result.bundle.modules, toPlainJson(result.bundle.data), result.bundle.manifest.roots] : undefined;
  const right = content(read(archive));
  assert.ok(right !== undefined);
  let refused = 0;
  for (let at = 0; at < archive.length; at += 3) {
    const changed = Buffer.from(archive);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    const result = read(changed);
    if (result.ok) assert.deepEqual(content(result), right, `byte ${at}`);
    else refused += 1;
  }
  assert.ok(refused > 500, `${refused} changes were refused`);
});

test('the layout of documents does not matter, as in OPA', () => {
  assert.equal(verdict({ ...signed(), '.manifest': '{ "roots": ["order"],\n"revision": "r1" }' }), 'read');
});

describe('keys', () => {
  const rsa: SignOptions = {
    header: { alg: 'RS256' },
    sign: (input) => sign('sha256', input, RSA.privateKey),
  };
  const secret = 'a secret of thirty-two characters';
  const hmac = signed({ header: { alg: 'HS256' }, sign: hmacWith(secret) });

  test('RS256 and HS256 sign with keys for them', () => {
    assert.equal(verdict(signed(rsa), { keys: { default: { key: RSA_PEM, algorithm: 'RS256' } } }), 'read');
    assert.equal(verdict(hmac, { keys: { default: { key: secret, algorithm: 'HS256' } } }), 'read');
    assert.match(verdict(hmac, { keys: { default: { key: `${secret}!`, algorithm: 'HS256' } } }), /not by the key/);
  });

  test('a public key is no secret, even when it is configured as one', () => {
    const forged = signed({ header: { alg: 'HS256' }, sign: hmacWith(RSA_PEM) });
    assert.match(
      verdict(forged, { keys: { default: { key: RSA_PEM, algorithm: 'HS256' } } }),
      /cannot be used with HS256/,
    );
  });

  test('a key of another kind, none, or a broken one', () => {
    for (const key of [RSA_PEM, '', 'secret', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n']) {
      assert.match(verdict(signed(), { keys: { default: { key, algorithm: 'ES256' } } }), /cannot be used with ES256/);
    }
    const empty = signed({ header: { alg: 'HS256' }, sign: hmacWith('') });
    assert.match(verdict(empty, { keys: { default: { key: '', algorithm: 'HS256' } } }), /cannot be used with HS256/);
  });

  test('a key too small for its algorithm', () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 512 });
    const key = small.publicKey.export({ format: 'pem', type: 'spki' });
    const files = signed({ header: { alg: 'PS512' }, sign: () => Buffer.alloc(64) });
    assert.match(verdict(files, { keys: { default: { key, algorithm: 'PS512' } } }), /not by the key/);
  });

  test('a configured key id counts, whatever the signature names', () => {
    const keys = { ...TRUSTED.keys, other: { key: OTHER.publicPem, algorithm: 'ES256' } } as const;
    assert.equal(verdict(signed({ header: { kid: 'other' } }), { keys, keyId: 'default' }), 'read');
    assert.match(
      verdict(signFiles(FILES, OTHER, { header: { kid: 'other' } }), { keys, keyId: 'default' }),
      /not by the key/,
    );
    assert.equal(verdict(signed({ header: { kid: undefined }, claims: { keyid: 'default' } }), { keys }), 'read');
  });

  test('the scope is that of the verification, or else of the key', () => {
    const key = { key: SIGNER.publicPem, algorithm: 'ES256', scope: 'read' } as const;
    const scoped = signed({ claims: { scope: 'read' } });
    assert.equal(verdict(scoped, { keys: { default: key } }), 'read');
    assert.equal(verdict(scoped, { ...TRUSTED, scope: 'read' }), 'read');
    assert.match(verdict(signed(), { keys: { default: key } }), /the scope "" instead of "read"/);
    assert.match(verdict(scoped, { keys: { default: key }, scope: 'write' }), /the scope "read" instead of "write"/);
  });

  test('SHA-384 and SHA-512 are digests too', () => {
    for (const algorithm of ['SHA-384', 'SHA-512']) {
      assert.equal(verdict(signed({ claims: { files: digestsOf(FILES, algorithm) } })), 'read');
    }
  });

  test('without cryptography nothing is trusted', () => {
    const { crypto, ...host } = NODE_HOST;
    assert.ok(crypto !== undefined);
    const read = readBundle(packBundle(signed()), { host, verification: TRUSTED });
    assert.ok(!read.ok);
    assert.match(read.diagnostics[0]?.message ?? '', /cannot be verified here/);
  });
});

function b64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
