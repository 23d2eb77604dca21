import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { createTokenVerifier } from '../jwt/verify.ts';
import { DAY_SECONDS, JWTHandler, type JWTHandlerSettings } from './jwt-handler.ts';
import { KNOWN_SERVICES } from './known-services.ts';
import { readSigningKey } from './read-key.ts';

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const time = manualTime();
const NOW = time.clock.now() / 1000;
const ORCHESTRATOR = 'tenant-deletion-orchestrator';
const SECRET = 'canary-secret-that-is-long-enough-for-hs256';
const OTHER = 'another-secret-that-is-long-enough-for-hs256';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signingKey = readSigningKey(privateKey.export(pkcs8), 'key-2026-04');

const legacy = (settings: Partial<JWTHandlerSettings> = {}) =>
  handlerWith({ legacySharedSecret: true, secretKey: SECRET, ...settings });
const asymmetric = (settings: Partial<JWTHandlerSettings> = {}) => handlerWith({ signingKey, ...settings });

function handlerWith(settings: JWTHandlerSettings) {
  const warnings: string[] = [];
  const handler = new JWTHandler({ warn: (message) => void warnings.push(message), ...settings }, time);
  return { handler, warnings };
}

describe('nothing is signed', () => {
  for (const [title, make, reason] of [
    ['S1-025 with an empty secret', () => legacy({ secretKey: '' }), /JWT_SECRET_KEY is empty/],
    ['with an empty secret of before', () => legacy({ previousSecretKey: '' }), /JWT_SECRET_KEY_PREVIOUS is empty/],
    [
      'with a secret of 31 bytes',
      () => legacy({ secretKey: SECRET.slice(0, 31) }),
      /has 31 bytes, HS256 needs at least 32/,
    ],
    ['without any key', () => new JWTHandler({}), /neither a signingKey nor verificationKeys/],
    ['S1-025 for a service without a name', () => legacy().handler.createServiceToken(''), /no name/],
    [
      'for a service that is not known',
      () => asymmetric().handler.createServiceToken('mallory'),
      /known are tenant-deletion-orchestrator, auth-service/,
    ],
    [
      'that is over before it begins',
      () => asymmetric().handler.createServiceToken(ORCHESTRATOR, 0),
      /lifetime of 0 seconds/,
    ],
    ['for half a second', () => asymmetric().handler.createServiceToken(ORCHESTRATOR, 0.5), /lifetime of 0.5/],
    ['for ten years', () => asymmetric().handler.createServiceToken(ORCHESTRATOR, 3_653 * DAY_SECONDS), /at most/],
    [
      'for no tenant at all',
      () => asymmetric().handler.createServiceToken(ORCHESTRATOR, 60, { tenants: [] }),
      /tenants/,
    ],
    ['with a verifying handler', () => verifying().createServiceToken(ORCHESTRATOR), /only verified here/],
  ] as const) {
    test(title, () => {
      assert.throws(make, (error: Error) => {
        assert.ok(error instanceof RangeError);
        assert.ok(!error.message.includes('canary'), 'a secret is in a message');
        return reason.test(error.message);
      });
    });
  }
});

function verifying() {
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-2026-04' };
  return new JWTHandler({ verificationKeys: createPushedJwks(Buffer.from(JSON.stringify({ keys: [jwk] }))) }, time);
}

test('S1-012 S1-015 S1-017 S1-018 S1-019 S1-020 S1-021 S1-022 S1-023 S1-024 what a token says, whichever way it is signed', () => {
  for (const { handler } of [legacy(), asymmetric()]) {
    const token = handler.createServiceToken(ORCHESTRATOR);
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    const { sub, user_id, service, type, is_service, role, email, iat, exp, jti } = decodeJwt(token);
    assert.deepEqual(
      { sub, user_id, service, type, is_service, role, email, iat },
      {
        sub: ORCHESTRATOR,
        user_id: ORCHESTRATOR,
        service: ORCHESTRATOR,
        type: 'service',
        is_service: true,
        role: 'admin',
        email: 'tenant-deletion-orchestrator@internal.service',
        iat: NOW,
      },
    );
    assert.equal(exp, NOW + handler.defaultLifetimeSeconds);
    assert.equal(typeof jti, 'string');
  }
});

describe('by default', () => {
  const { handler, warnings } = asymmetric();

  test('a token lives for a day, is signed by a key pair, and nobody is warned', async () => {
    const token = handler.createServiceToken(ORCHESTRATOR);
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'ES256', typ: 'at+jwt', kid: 'key-2026-04' });
    assert.equal(decodeJwt(token).exp, NOW + DAY_SECONDS);
    assert.deepEqual(warnings, []);
    await jwtVerify(token, publicKey, {
      currentDate: new Date(NOW * 1000),
      audience: 'internal-services',
      issuer: 'service-tokens',
    });
    assert.equal((await verifying().verify(token))['service'], ORCHESTRATOR);
  });

  test('a verifier of access tokens, such as that of a sidecar, takes it as one of this service', async () => {
    const keys = createPushedJwks(
      Buffer.from(JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key-2026-04' }] })),
    );
    const issuers = [{ name: 'services', issuer: 'service-tokens', audiences: ['internal-services'], keys }];
    const verifier = createTokenVerifier({ issuers, clock: time.clock });
    const { clientId, subject } = await verifier.verify(handler.createServiceToken(ORCHESTRATOR, 900));
    assert.deepEqual([clientId, subject], [ORCHESTRATOR, ORCHESTRATOR]);
  });

  test('S1-016 a lifetime that is given is honoured exactly, and a long one is told', () => {
    const { handler: own, warnings: told } = asymmetric();
    for (const seconds of [1, 900, 90 * DAY_SECONDS, 365 * DAY_SECONDS]) {
      assert.equal(decodeJwt(own.createServiceToken(ORCHESTRATOR, seconds)).exp, NOW + seconds);
    }
    assert.deepEqual(
      told.map((message) => /lives (\d+) days/.exec(message)?.[1]),
      ['90', '365'],
    );
  });

  test('tenants and operations narrow it', () => {
    const limits = { tenants: ['t-1', 't-2'], operations: ['tenant:delete'] };
    const { tenants, operations } = decodeJwt(handler.createServiceToken(ORCHESTRATOR, 60, limits));
    assert.deepEqual({ tenants, operations }, limits);
  });
});

describe('in the legacy mode', () => {
  test('S1-007 S1-008 S1-009 S1-014 HS256 with the plain header, for 365 days, as admin', () => {
    const token = legacy().handler.createServiceToken(ORCHESTRATOR);
    assert.equal(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString(), '{"alg":"HS256","typ":"JWT"}');
    const { exp, role } = decodeJwt(token);
    assert.deepEqual([exp, role], [NOW + 365 * DAY_SECONDS, 'admin']);
    const [head, payload, signature] = token.split('.');
    assert.equal(createHmac('sha256', SECRET).update(`${head}.${payload}`).digest('base64url'), signature);
  });

  test('S1-096 a warning at the start says what is weak, and each year-long token another one', () => {
    const { handler, warnings } = legacy();
    assert.match(warnings.join(), /HS256: every service that can verify one can make one/);
    handler.createServiceToken(ORCHESTRATOR);
    assert.match(warnings[1] ?? '', /lives 365 days/);
    assert.ok(!warnings.join().includes(SECRET));
  });

  test('S1-016 half an hour is half an hour', () => {
    assert.equal(decodeJwt(legacy().handler.createServiceToken(ORCHESTRATOR, 1_800)).exp, NOW + 1_800);
  });

  test('S1-013 what one service signs with the secret the other one verifies', async () => {
    const claims = await legacy().handler.verify(legacy().handler.createServiceToken('auth-service'));
    assert.equal(claims['service'], 'auth-service');
  });

  test('S1-103 while the secret is exchanged, tokens under the old and the new one both work', async () => {
    const before = legacy().handler.createServiceToken(ORCHESTRATOR);
    const { handler } = legacy({ secretKey: OTHER, previousSecretKey: SECRET });
    const behind = handler.createServiceToken(ORCHESTRATOR);
    for (const token of [before, behind]) assert.equal((await handler.verify(token))['service'], ORCHESTRATOR);
    await assert.rejects(legacy({ secretKey: OTHER }).handler.verify(before), { code: 'token_signature_invalid' });
  });

  test('S1-117 which secret it is can be compared without showing it', () => {
    const [one] = legacy().handler.keyFingerprints;
    assert.match(one ?? '', /^[0-9a-f]{16}$/);
    assert.deepEqual(legacy({ secretKey: OTHER, previousSecretKey: SECRET }).handler.keyFingerprints.slice(1), [one]);
    assert.notEqual(legacy({ secretKey: OTHER }).handler.keyFingerprints[0], one);
  });
});

describe('a token is refused', () => {
  const hs = legacy().handler;
  const es = asymmetric().handler;
  const wellSigned = (claims: Readonly<Record<string, unknown>>) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(SECRET));
  const claims = { sub: 'auth-service', type: 'service', iat: NOW, exp: NOW + 60 };
  const none = (): string =>
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AA`;

  for (const [title, handler, token, code] of [
    ['S1-014 with alg none', hs, none, 'token_alg_not_allowed'],
    ['with alg none by keys', es, none, 'token_alg_not_allowed'],
    [
      'S1-014 HS512 under the right secret',
      hs,
      () => new SignJWT(claims).setProtectedHeader({ alg: 'HS512' }).sign(Buffer.from(SECRET)),
      'token_alg_not_allowed',
    ],
    [
      'of a key pair, where the secret counts',
      hs,
      () => es.createServiceToken('auth-service'),
      'token_alg_not_allowed',
    ],
    [
      'of the secret, where a key pair counts',
      es,
      () => hs.createServiceToken('auth-service'),
      'token_alg_not_allowed',
    ],
    [
      'under another secret',
      hs,
      () => legacy({ secretKey: OTHER }).handler.createServiceToken('auth-service'),
      'token_signature_invalid',
    ],
    ['without an expiry', hs, () => wellSigned({ ...claims, exp: undefined }), 'token_exp_missing'],
    ['6 seconds behind its expiry', hs, () => wellSigned({ ...claims, exp: NOW - 6 }), 'token_expired'],
    [
      'that lives for two years',
      hs,
      () => wellSigned({ ...claims, exp: NOW + 731 * DAY_SECONDS }),
      'token_lifetime_exceeded',
    ],
    [
      'of another issuer',
      es,
      () => asymmetric({ issuer: 'mallory' }).handler.createServiceToken('auth-service'),
      'token_issuer_mismatch',
    ],
    [
      'for other services',
      es,
      () => asymmetric({ audience: 'others' }).handler.createServiceToken('auth-service'),
      'token_aud_mismatch',
    ],
    ['that is none', hs, () => 'canary', 'token_malformed'],
  ] as const) {
    test(title, async () => {
      await assert.rejects(handler.verify(await token()), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message);
        return !error.message.includes('canary');
      });
    });
  }

  test('that was taken back', async () => {
    const token = es.createServiceToken('auth-service');
    const { jti } = decodeJwt(token);
    const { handler } = asymmetric({ isRevoked: (id) => id === jti });
    await assert.rejects(handler.verify(token), { code: 'token_revoked' });
    await handler.verify(es.createServiceToken('auth-service'));
  });
});

test('S1-061 S1-062 the services that are known without a setting, in their order', () => {
  assert.deepEqual(KNOWN_SERVICES, [
    'tenant-deletion-orchestrator',
    'auth-service',
    'tenant-service',
    'orders-service',
    'inventory-service',
    'recipes-service',
    'sales-service',
    'production-service',
    'suppliers-service',
    'pos-service',
    'external-service',
    'forecasting-service',
    'training-service',
    'alert-processor-service',
    'notification-service',
  ]);
  assert.deepEqual(asymmetric({ services: ['a'] }).handler.services, ['a']);
});
