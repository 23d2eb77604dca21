import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { SignatureKey } from './algorithms.ts';
import { directoryKeys } from './directory-keys.ts';
import {
  directoryKeyId,
  directoryRequest,
  KEY_DIRECTORY_PATH,
  KEY_DIRECTORY_TAG,
  type KeyDirectory,
  keyDirectory,
} from './key-directory.ts';
import { signMessage } from './sign-message.ts';
import type { SignatureKeys } from './signature-keys.ts';

const now = { now: () => Date.now() };
const ed25519: SignatureKey = { algorithm: 'ed25519', key: generateKeyPairSync('ed25519').privateKey };
const next: SignatureKey = {
  algorithm: 'ecdsa-p384-sha384',
  key: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
};
const rsa: SignatureKey = {
  algorithm: 'rsa-v1_5-sha256',
  key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
};
const strangers: SignatureKey = { algorithm: 'ed25519', key: generateKeyPairSync('ed25519').privateKey };

interface Directory extends AsyncDisposable {
  readonly origin: string;
  readonly asked: string[];
}

async function startDirectory(answer: (authority: string, response: ServerResponse) => void): Promise<Directory> {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(request.url ?? '');
    answer(request.headers.host ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const write = (response: ServerResponse, { headers, body }: KeyDirectory, status = 200): void => {
  response.writeHead(status, headers).end(body);
};
const made = (authority: string, keys: readonly SignatureKey[] = [ed25519]): KeyDirectory =>
  keyDirectory({ keys, authority, clock: now });

async function loaded(keys: SignatureKeys, keyid: string): Promise<string | undefined> {
  await Promise.resolve(keys.refreshFor(keyid)).catch(() => undefined);
  return keys.current(keyid)?.algorithm;
}

type Answer = (authority: string, response: ServerResponse) => void;
const without =
  (name: string): Answer =>
  (authority, response) => {
    const { headers, body } = made(authority);
    write(response, { headers: Object.fromEntries(Object.entries(headers).filter(([own]) => own !== name)), body });
  };

const REFUSED: readonly (readonly [title: string, answer: Answer])[] = [
  ['that was made for another host', (_, response) => write(response, made('orders.example'))],
  ['without a signature', without('signature')],
  ['without the input of its signature', without('signature-input')],
  [
    'whose keys were exchanged under the signature',
    (authority, response) =>
      write(response, { headers: made(authority).headers, body: made(authority, [strangers]).body }),
  ],
  [
    'whose proof is a day old',
    (authority, response) =>
      write(response, keyDirectory({ keys: [ed25519], authority, clock: { now: () => Date.now() - 86_500_000 } })),
  ],
  [
    'whose proof is of tomorrow',
    (authority, response) =>
      write(response, keyDirectory({ keys: [ed25519], authority, clock: { now: () => Date.now() + 86_400_000 } })),
  ],
  [
    'that calls itself JSON',
    (authority, response) =>
      write(response, {
        ...made(authority),
        headers: { ...made(authority).headers, 'content-type': 'application/json' },
      }),
  ],
  [
    'behind a redirect',
    (authority, response) =>
      write(response, { ...made(authority), headers: { ...made(authority).headers, location: '/elsewhere' } }, 302),
  ],
  ['that answers 404', (authority, response) => write(response, made(authority), 404)],
  [
    'that is larger than any set may be',
    (authority, response) =>
      write(response, { ...made(authority), body: `${made(authority).body}${' '.repeat(1_100_000)}` }),
  ],
  [
    'with two labels for one signature',
    (authority, response) => {
      const { headers, body } = made(authority);
      write(response, {
        headers: { ...headers, 'signature-input': `${headers['signature-input']}, ${headers['signature-input']}` },
        body,
      });
    },
  ],
];
for (const [title, answer] of REFUSED) {
  test(`a directory ${title} has no key`, async () => {
    await using directory = await startDirectory(answer);
    const keys = directoryKeys({ origin: directory.origin, ...systemRuntime() });
    assert.equal(await loaded(keys, directoryKeyId(ed25519)), undefined);
    assert.throws(() => keys.refreshFor('any'), { code: 'jwks_unavailable' });
    keys.close();
  });
}

test('a host that lists the key of another one beside its own has only its own', async () => {
  await using directory = await startDirectory((authority, response) => {
    const { body, headers } = made(authority, [ed25519, strangers]);
    const { 'content-digest': digest = '', 'content-type': type = '' } = headers;
    const proof = signMessage(
      { status: 200, headers: [['content-digest', digest]], request: directoryRequest('http', authority) },
      {
        label: 'own',
        components: ['@authority;req', 'content-digest'],
        key: ed25519,
        keyid: directoryKeyId(ed25519),
        created: Math.floor(Date.now() / 1000),
        tag: KEY_DIRECTORY_TAG,
      },
    );
    const fields = { 'signature-input': proof.signatureInput, signature: proof.signature };
    write(response, { headers: { 'content-type': type, 'content-digest': digest, ...fields }, body });
  });
  const keys = directoryKeys({ origin: directory.origin, ...systemRuntime() });
  assert.equal(await loaded(keys, directoryKeyId(strangers)), undefined);
  assert.equal(keys.current(directoryKeyId(ed25519))?.algorithm, 'ed25519');
  keys.close();
});

test('every kind of key is found by its thumbprint, whatever the set calls it, and is for one algorithm', async () => {
  await using directory = await startDirectory((authority, response) =>
    write(response, made(authority, [ed25519, next, rsa])),
  );
  const keys = directoryKeys({ origin: directory.origin, ...systemRuntime() });
  for (const key of [ed25519, next, rsa]) assert.equal(await loaded(keys, directoryKeyId(key)), key.algorithm);
  assert.deepEqual(directory.asked, [KEY_DIRECTORY_PATH]);
  keys.close();
});

test('a key that appears is fetched when it is first asked for; ids that strangers invent are not fetched again and again', async () => {
  let current = [ed25519];
  await using directory = await startDirectory((authority, response) => write(response, made(authority, current)));
  const time = manualTime(Date.now());
  const keys = directoryKeys({ origin: directory.origin, ...systemRuntime(), ...time });
  assert.equal(await loaded(keys, directoryKeyId(ed25519)), 'ed25519');
  current = [ed25519, next];
  assert.equal(await loaded(keys, directoryKeyId(next)), 'ecdsa-p384-sha384');
  for (let round = 0; round < 50; round += 1) assert.equal(await loaded(keys, `invented-${round}`), undefined);
  assert.equal(directory.asked.length, 3);
  keys.close();
});

test('a directory is asked over https, or http on this machine alone', () => {
  for (const origin of [
    'http://orders.example',
    'https://user:secret@orders.example',
    'file:///etc',
    'orders.example',
  ]) {
    assert.throws(() => directoryKeys({ origin, ...systemRuntime() }), TypeError);
  }
});

test('a shared secret cannot be published', () => {
  const secret: SignatureKey = { algorithm: 'hmac-sha256', key: createSecretKey(Buffer.alloc(32)) };
  assert.throws(() => made('orders.example', [secret]), { code: 'signature_invalid' });
});
