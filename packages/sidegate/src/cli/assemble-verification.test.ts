import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { assembleVerification } from './assemble-verification.ts';
import type { Assembly } from './assembly.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const PUBLIC = publicKey.export({ format: 'pem', type: 'spki' });
const FILES: Readonly<Record<string, string>> = {
  '/public.pem': PUBLIC,
  '/private.pem': privateKey.export({ format: 'pem', type: 'pkcs8' }),
};

function assemble(bundle: Parameters<typeof assembleVerification>[0]) {
  const findings: Assembly['findings'] = [];
  const readFile: Assembly['readFile'] = (file) => {
    const text = FILES[file];
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return { text, mode: 0o600 };
  };
  const verification = assembleVerification(bundle, { readFile, findings });
  return { verification, findings: findings.map(({ file, message }) => `${file} ${message}`) };
}

test('a key file that is missing, or holds a private key, is a finding, and its key verifies nothing', () => {
  const file = (key_file: string) => ({ algorithm: 'EdDSA', key_file }) as const;
  const { verification, findings } = assemble({
    keys: { a: file('/nowhere.pem'), b: file('/private.pem') },
    signing: {},
  });
  assert.deepEqual(findings, ['/nowhere.pem cannot be read (ENOENT)', '/private.pem holds a private key']);
  assert.deepEqual(verification, { keys: {} });
});

test('keys come from the configuration and from files, with what must be signed for', () => {
  const { verification, findings } = assemble({
    keys: {
      a: { algorithm: 'EdDSA', key_file: '/public.pem', scope: 'read' },
      b: { algorithm: 'RS256', key: 'PEM' },
    },
    signing: { keyid: 'a', scope: 'write' },
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(verification, {
    keys: { a: { key: PUBLIC, algorithm: 'EdDSA', scope: 'read' }, b: { key: 'PEM', algorithm: 'RS256' } },
    keyId: 'a',
    scope: 'write',
  });
});
