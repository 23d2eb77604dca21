/** Requests for certificates: what OpenSSL and we make both read, what is damaged nobody does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { readSigningRequest, SigningRequestRefused } from './read-signing-request.ts';
import { createSigningRequest } from './signing-request.ts';

const NAMES = {
  commonName: 'order-service',
  dnsNames: ['order-service.zone2.local', 'order-service'],
  spiffeId: 'spiffe://example.org/zone2/order-service',
};
const p256 = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

function changed(pem: string, change: (der: Buffer) => Buffer): string {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${change(der).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}

const refuses = (pem: string): boolean => {
  try {
    readSigningRequest(pem);
    return false;
  } catch (error) {
    assert.ok(error instanceof SigningRequestRefused, String(error));
    return true;
  }
};

test('C-207 a request with one bit changed is refused, wherever it is', () => {
  const pem = createSigningRequest(NAMES, p256());
  const { length } = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  for (let position = 0; position < length; position += 1) {
    const mutant = changed(pem, (der) => {
      der.writeUInt8(der.readUInt8(position) ^ (1 << (position % 8)), position);
      return der;
    });
    assert.ok(refuses(mutant), `byte ${position}`);
  }
  assert.ok(!refuses(changed(pem, (der) => der)));
});

test('C-207 a request that is cut off, followed by something, too large or not one block is refused', () => {
  const pem = createSigningRequest(NAMES, p256());
  const rows: readonly string[] = [
    '',
    'hello',
    pem + pem,
    pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE'),
    pem.replace('BEGIN CERTIFICATE', 'BEGIN NEW CERTIFICATE'),
    changed(pem, (der) => Buffer.concat([der, Buffer.alloc(1)])),
    changed(pem, (der) => Buffer.concat([der, Buffer.alloc(20_000)])),
    ...Array.from({ length: 64 }, (_, end) => changed(pem, (der) => der.subarray(0, end * 4))),
  ];
  for (const [index, row] of rows.entries()) assert.ok(refuses(row), `row ${index}`);
});

for (const [kind, key] of [
  ['P-256', p256()],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
] as const) {
  test(`a request for a key of the kind ${kind} is read as it was made, and OpenSSL verifies it`, () => {
    const pem = createSigningRequest(NAMES, key);
    const read = readSigningRequest(pem);
    assert.deepEqual(
      read.subjectAltNames.map(({ kind: of, value }) => `${of}:${value}`),
      [...NAMES.dnsNames.map((name) => `dns:${name}`), `uri:${NAMES.spiffeId}`],
    );
    assert.deepEqual([read.isAuthority, read.otherExtensions], [false, []]);
    const { status, stdout, stderr } = spawnSync('openssl', ['req', '-verify', '-noout', '-subject'], {
      input: pem,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /subject=CN ?= ?order-service/);
  });
}

test('a request made by OpenSSL is read, with everything that it asks for', () => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
  const extensions = [
    'subjectAltName=DNS:a.example,IP:10.0.0.1',
    'basicConstraints=CA:TRUE',
    'keyUsage=keyCertSign',
    'extendedKeyUsage=serverAuth',
    'certificatePolicies=1.2.3.4',
  ];
  const options = ['-new', ...key, '-subj', '/C=US/O=Acme Corp/CN=order-service'];
  const { stdout, stderr } = spawnSync(
    'openssl',
    ['req', ...options, ...extensions.flatMap((each) => ['-addext', each])],
    { encoding: 'utf8' },
  );
  assert.match(stdout, /BEGIN CERTIFICATE REQUEST/, stderr);
  const request = readSigningRequest(stdout);
  assert.deepEqual(
    request.subjectAltNames.map(({ value }) => value),
    ['a.example', '10.0.0.1'],
  );
  assert.deepEqual([request.isAuthority, [...(request.keyUsage ?? [])]], [true, ['keyCertSign']]);
  assert.deepEqual([request.extendedKeyUsage, request.otherExtensions], [['1.3.6.1.5.5.7.3.1'], ['2.5.29.32']]);
  assert.equal(request.subject.length, 3);
});
