/** Python signs and we verify, we sign and Python verifies: HTTP Message Signatures, service JWTs, and the X-Signature scheme. */
import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { memoryReplayStore } from '@sidegate/sdk';
import { httpSignature, legacyXSignature } from '@sidegate/sdk/client';
import { httpSignatureAuthenticator, legacyXSignatureAuthenticator } from '@sidegate/sdk/server';
import {
  createServiceJwt,
  createServiceTokenValidator,
  publicPemKeys,
  readSigningKey,
} from '@sidegate/sdk/service-tokens';
import { contentDigest, fixedKeys, type SignatureAlgorithm } from '@sidegate/sdk/signatures';
import { pythonJson } from '../../packages/sdk/src/signatures/python-json.ts';
import { authorized, receivedRequest } from '../support/received-request.ts';
import { runProgram } from './foreign-program.ts';
import { peersPython, withoutPython } from './python-packages.ts';

const PROGRAMS = path.join(import.meta.dirname, 'python');
const URL_OF_CALL = 'https://service-b/process?tenant=1';
const BODY = '{"b": 12.50, "a": {"note": "Grüße 😀", "list": [2, 1]}}';
const SECRET = 'shared-key-between-services';

async function python<Answer>(program: string, asked: object): Promise<Answer> {
  const { code, stdout, stderr } = await runProgram(
    peersPython() ?? 'python3',
    [path.join(PROGRAMS, program)],
    [JSON.stringify(asked)],
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Answer;
}

interface Case {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
const secret = createSecretKey(Buffer.alloc(32, 5));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const CASES: readonly Case[] = [
  { algorithm: 'ed25519', ...generateKeyPairSync('ed25519') },
  { algorithm: 'ecdsa-p256-sha256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  { algorithm: 'ecdsa-p384-sha384', ...generateKeyPairSync('ec', { namedCurve: 'P-384' }) },
  { algorithm: 'rsa-pss-sha512', ...rsa },
  { algorithm: 'rsa-v1_5-sha256', ...rsa },
  { algorithm: 'hmac-sha256', publicKey: secret, privateKey: secret },
];

function keysFor({ publicKey, privateKey }: Case): object {
  if (publicKey.type === 'secret') return { secret: publicKey.export().toString('hex') };
  return {
    public: publicKey.export({ type: 'spki', format: 'pem' }),
    private: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
}

interface SignatureAnswer {
  readonly signed: readonly Readonly<Record<'Signature-Input' | 'Signature', string>>[];
  readonly verified: readonly (string | readonly (readonly string[])[])[];
}

describe('http-message-signatures', { skip: withoutPython() }, () => {
  let answer: SignatureAnswer;
  before(async () => {
    const digest = contentDigest(Buffer.from(BODY));
    const common = { method: 'POST', url: URL_OF_CALL, keyid: 'k1', body: BODY };
    const ours = await Promise.all(
      CASES.map(async (each) => {
        const { algorithm, privateKey } = each;
        const credentials = httpSignature({ keyid: 'k1', key: { algorithm, key: privateKey } });
        const { headers } = await authorized(credentials, { url: URL_OF_CALL, body: BODY });
        return { ...common, ...keysFor(each), algorithm, headers };
      }),
    );
    const spoilt = ours.map((task) => ({ ...task, method: 'PUT' }));
    const components = ['@method', '@authority', '@path', '@query', 'content-digest'];
    answer = await python<SignatureAnswer>('http_signatures.py', {
      sign: CASES.map((each) => ({
        ...common,
        ...keysFor(each),
        algorithm: each.algorithm,
        components,
        headers: [['Content-Digest', digest]],
      })),
      verify: [...spoilt, ...ours],
    });
  });

  for (const [index, { algorithm, publicKey }] of CASES.entries()) {
    test(`Python verifies what we signed with ${algorithm}, and not another method`, () => {
      assert.equal(answer.verified[index], 'InvalidSignature');
      const [components = []] = answer.verified[CASES.length + index] ?? [];
      assert.ok(components.length >= 5, JSON.stringify(answer.verified[CASES.length + index]));
    });

    test(`we verify what Python signed with ${algorithm}, and not another body`, async () => {
      const verifier = httpSignatureAuthenticator({
        callers: { 'service-a': { keys: fixedKeys({ k1: { algorithm, key: publicKey } }) } },
        authorities: ['service-b'],
        replay: memoryReplayStore({ maxEntries: 10, clock: { now: () => Date.now() } }),
      });
      const fields = Object.entries(answer.signed[index] ?? {});
      const headers = [['Content-Digest', contentDigest(Buffer.from(BODY))] as const, ...fields];
      const request = (body: string) => receivedRequest({ url: URL_OF_CALL, headers, body });
      await assert.rejects(async () => verifier.authenticate(request('{}')), { code: 'digest_mismatch' });
      assert.equal((await verifier.authenticate(request(BODY))).service?.name, 'service-a');
    });
  }
});

describe('PyJWT', { skip: withoutPython() }, () => {
  test('S2-19 S2-20 S2-24 PyJWT verifies our service JWT for its audience alone, and we verify one of PyJWT', async () => {
    const pem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' });
    const shared = rsa.publicKey.export({ type: 'spki', format: 'pem' });
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: 'service-a', sub: 'service-a', aud: 'service-b', iat, exp: iat + 300, jti: randomUUID() };
    const token = createServiceJwt('service-a', 'service-b', readSigningKey(pem, 'k1'));
    const { jwt } = await python<{ jwt: { claims: typeof claims; elsewhere: string; token: string } }>(
      'http_signatures.py',
      {
        sign: [],
        verify: [],
        jwt: { token, public: shared, private: pem, audience: 'service-b', issuer: 'service-a', claims },
      },
    );
    assert.equal(jwt.elsewhere, 'refused');
    assert.equal(jwt.claims.sub, 'service-a');
    assert.equal(jwt.claims.exp - jwt.claims.iat, 300);
    const { validateServiceToken } = createServiceTokenValidator({
      issuers: { 'service-a': publicPemKeys({ pem: shared }) },
      algorithms: ['RS256'],
    });
    const expected = { expectedAudience: 'service-b', allowedIssuers: ['service-a'] };
    await assert.rejects(validateServiceToken(jwt.token, { ...expected, expectedAudience: 'service-c' }), {
      code: 'token_aud_mismatch',
    });
    assert.equal((await validateServiceToken(jwt.token, expected)).iss, 'service-a');
  });
});

describe('X-Signature', { skip: withoutPython() }, () => {
  const hidden = { reveal: () => SECRET };
  const utc = (): string => new Date().toISOString().slice(0, -1);

  test('S2-46 a thousand values are written as Python writes them', async () => {
    const { pairs } = await python<{ pairs: readonly (readonly [string, string])[] }>('legacy_signatures.py', {
      random: 1_000,
    });
    assert.equal(pairs.length, 1_000);
    for (const [text, written] of pairs) assert.equal(pythonJson(Buffer.from(text)), written);
  });

  test('S2-46 S2-53 we verify what Python signs now, and Python what we sign', async () => {
    const verifier = legacyXSignatureAuthenticator({
      callers: { 'service-a': { secrets: [hidden] } },
      covers: 'canonical_json',
      replay: memoryReplayStore({ maxEntries: 10, clock: { now: () => Date.now() } }),
    });
    const theirs = await python<{ signature: string; timestamp: string }>('legacy_signatures.py', {
      sign: { secret: SECRET, body: BODY, at: utc() },
    });
    const headers = [
      ['X-Signature', theirs.signature],
      ['X-Timestamp', theirs.timestamp],
      ['X-Service', 'service-a'],
    ] as const;
    await assert.rejects(async () => verifier.authenticate(receivedRequest({ headers, body: '{}' })), {
      code: 'signature_invalid',
    });
    assert.equal((await verifier.authenticate(receivedRequest({ headers, body: BODY }))).service?.name, 'service-a');

    const credentials = legacyXSignature({ service: 'service-a', secret: hidden, covers: 'canonical_json' });
    const ours = Object.fromEntries((await authorized(credentials, { body: BODY })).headers ?? []);
    const verify = async (body: string) =>
      python<{ outcome: string }>('legacy_signatures.py', {
        verify: { secret: SECRET, body, timestamp: ours['x-timestamp'], signature: ours['x-signature'], now: utc() },
      });
    assert.equal((await verify('{}')).outcome, 'other signature');
    assert.equal((await verify(BODY)).outcome, 'accepted');
  });
});
