/** Both ways with another implementation of RFC 9421, the npm package http-message-sig; the keys are used by node:crypto alone. */
import assert from 'node:assert/strict';
import {
  constants,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { test } from 'node:test';
import {
  component,
  createSignature,
  type RequestDescriptor,
  type ResponseDescriptor,
  verifySignature,
} from 'http-message-sig';
import type { SignatureAlgorithm } from './algorithms.ts';
import { contentDigest } from './content-digest.ts';
import type { FieldLines, SignedRequest, SignedResponse } from './message.ts';
import { signMessage } from './sign-message.ts';
import { verifyMessage } from './verify-message.ts';

const BODY = Buffer.from('{"amount":1}');
const CREATED = Math.floor(Date.now() / 1000);
const COMPONENTS = [
  '@method',
  '@authority',
  '@scheme',
  '@target-uri',
  '@request-target',
  '@path',
  '@query',
  'content-digest',
  'x-list',
];
const REQUEST: SignedRequest = {
  method: 'POST',
  scheme: 'https',
  authority: 'payments.example',
  target: '/charges?tenant=1&note=a%20b',
  headers: [
    ['Content-Digest', contentDigest(BODY)],
    ['X-List', ' one'],
    ['X-List', 'two, three '],
  ],
};
const RESPONSE: SignedResponse = { status: 201, headers: [['Content-Digest', contentDigest(BODY)]], request: REQUEST };

interface Case {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly sign: (data: Uint8Array, key: KeyObject) => Buffer;
  readonly verify: (data: Uint8Array, key: KeyObject, signature: Uint8Array) => boolean;
}

function asymmetric(
  algorithm: SignatureAlgorithm,
  hash: string | null,
  parameters: object,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
): Case {
  return {
    algorithm,
    ...keys,
    sign: (data, key) => sign(hash, data, { key, ...parameters }),
    verify: (data, key, signature) => verify(hash, data, { key, ...parameters }, signature),
  };
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ieee = { dsaEncoding: 'ieee-p1363' };
const secret = createSecretKey(Buffer.alloc(32, 3));
const mac = (data: Uint8Array, key: KeyObject): Buffer => createHmac('sha256', key).update(data).digest();
const CASES: readonly Case[] = [
  asymmetric('ed25519', null, {}, generateKeyPairSync('ed25519')),
  asymmetric('ecdsa-p256-sha256', 'sha256', ieee, generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  asymmetric('ecdsa-p384-sha384', 'sha384', ieee, generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  asymmetric('rsa-pss-sha512', 'sha512', { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }, rsa),
  asymmetric('rsa-v1_5-sha256', 'sha256', { padding: constants.RSA_PKCS1_PADDING }, rsa),
  {
    algorithm: 'hmac-sha256',
    publicKey: secret,
    privateKey: secret,
    sign: mac,
    verify: (data, key, signature) => timingSafeEqual(mac(data, key), signature),
  },
];

for (const { algorithm, publicKey, privateKey, ...raw } of CASES) {
  const theirVerifier = {
    algorithm,
    verify: (data: Uint8Array, signature: Uint8Array) => raw.verify(data, publicKey, signature),
  };
  const policy = {
    algorithms: [algorithm],
    requiredComponents: ['@method', 'content-digest'],
    requiredParameters: ['created', 'keyid'],
  };

  test(`http-message-sig verifies a request that we signed with ${algorithm}, and not another one`, async () => {
    const fields = signMessage(REQUEST, {
      label: 'sig1',
      components: COMPONENTS,
      key: { algorithm, key: privateKey },
      keyid: 'k1',
      created: CREATED,
      nonce: 'n"\\1',
    });
    const message = theirRequest(REQUEST, fields);
    const options = { policy, resolveVerifier: () => theirVerifier };
    await assert.rejects(verifySignature({ ...message, method: 'PUT' }, options), { code: 'VerificationFailed' });
    assert.equal((await verifySignature(message, options)).label, 'sig1');
  });

  test(`we verify a request that http-message-sig signed with ${algorithm}, and not another one`, async () => {
    const fields = await createSignature(theirRequest(REQUEST), {
      label: 'theirs',
      components: COMPONENTS,
      parameters: { created: CREATED, keyid: 'k1', alg: algorithm, tag: 'a"b' },
      signer: { algorithm, sign: (data) => raw.sign(data, privateKey) },
    });
    const headers = [...REQUEST.headers, ...ourFields(fields)];
    const check = (change: Partial<SignedRequest>) =>
      verifyMessage(
        { ...REQUEST, headers, ...change },
        { ...expected(COMPONENTS), findKey: () => ({ algorithm, key: publicKey }) },
      );
    await assert.rejects(check({ target: '/refunds' }), { code: 'signature_invalid' });
    assert.equal((await check({})).label, 'theirs');
  });

  test(`responses over their requests verify both ways with ${algorithm}`, async () => {
    const names = ['@status', 'content-digest', '@method;req', '@authority;req', 'content-digest;req'];
    const ours = signMessage(RESPONSE, {
      label: 'res',
      components: names,
      key: { algorithm, key: privateKey },
      keyid: 'k1',
      created: CREATED,
    });
    const options = { policy: { ...policy, requiredComponents: ['@status'] }, resolveVerifier: () => theirVerifier };
    assert.equal((await verifySignature(theirResponse(RESPONSE, ours), options)).label, 'res');
    const theirs = await createSignature(theirResponse(RESPONSE), {
      label: 'res',
      components: [
        '@status',
        'content-digest',
        component('@method', { req: true }),
        component('@authority', { req: true }),
      ],
      parameters: { created: CREATED, keyid: 'k1' },
      signer: { algorithm, sign: (data) => raw.sign(data, privateKey) },
    });
    const headers = [...RESPONSE.headers, ...ourFields(theirs)];
    const check = (request: SignedRequest) =>
      verifyMessage(
        { ...RESPONSE, headers, request },
        { ...expected(['@status', '@method;req']), findKey: () => ({ algorithm, key: publicKey }) },
      );
    await assert.rejects(check({ ...REQUEST, method: 'PUT' }), { code: 'signature_invalid' });
    assert.equal((await check(REQUEST)).label, 'res');
  });
}

interface Fields {
  readonly signatureInput: string;
  readonly signature: string;
}

const ourFields = ({ signatureInput, signature }: Fields): FieldLines => [
  ['Signature-Input', signatureInput],
  ['Signature', signature],
];

function theirRequest(
  { method, scheme, authority, target, headers }: SignedRequest,
  fields?: Fields,
): RequestDescriptor {
  return {
    kind: 'request',
    method,
    targetUri: `${scheme}://${authority}${target}`,
    requestTarget: target,
    fields: theirFields(headers, fields),
  };
}

function theirResponse({ status, headers }: SignedResponse, fields?: Fields): ResponseDescriptor {
  return { kind: 'response', status, fields: theirFields(headers, fields), request: theirRequest(REQUEST) };
}

function theirFields(headers: FieldLines, fields: Fields | undefined) {
  return [...headers, ...(fields === undefined ? [] : ourFields(fields))].map(([name, value]) => ({ name, value }));
}

function expected(required: readonly string[]) {
  const clock = { now: () => CREATED * 1000 };
  return { required, clock, maxAgeSeconds: 60, clockToleranceSeconds: 5, body: BODY };
}
