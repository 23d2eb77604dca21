/** Proofs that need more than a header, in each framework on real sockets: the bytes of a body, and the claims for handlers. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { memoryReplayStore } from '@sidegate/sdk';
import { httpSignature, legacyXSignature } from '@sidegate/sdk/client';
import { anyOf, httpSignatureAuthenticator, legacyXSignatureAuthenticator, serviceAuth } from '@sidegate/sdk/server';
import {
  createServiceJwt,
  createServiceTokenValidator,
  publicPemKeys,
  readSigningKey,
  serviceTokenAuthenticator,
} from '@sidegate/sdk/service-tokens';
import { fixedKeys } from '@sidegate/sdk/signatures';
import { startExpress } from '../support/frameworks/express.ts';
import { startFastify } from '../support/frameworks/fastify.ts';
import type { Framework, GuardedServer, ServiceRoute } from '../support/frameworks/guarded-service.ts';
import { startHono } from '../support/frameworks/hono.ts';
import { startKoa } from '../support/frameworks/koa.ts';
import { startNest } from '../support/frameworks/nestjs.ts';
import { startNode } from '../support/frameworks/node.ts';
import { authorized, type RequestParts } from '../support/received-request.ts';
import { sendRequest } from '../support/wire.ts';

const FRAMEWORKS: readonly (readonly [name: string, start: Framework])[] = [
  ['Express', startExpress],
  ['Fastify', startFastify],
  ['Hono', startHono],
  ['Koa', startKoa],
  ['NestJS', startNest],
  ['node:http', startNode],
];

const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const secret = { reveal: () => 'shared-key-between-services' };
const clock = { now: () => Date.now() };
const replay = () => memoryReplayStore({ maxEntries: 100, clock });
const URL_OF_CALL = 'https://service-b/process?x=1';
const BODY = '{"b": 1, "a": 2}';

const ROUTES: readonly ServiceRoute[] = [
  {
    method: 'POST',
    path: '/process',
    rule: (guards) => guards.serviceOnly(),
    handle: (principal) => ({ status: 200, body: { status: 'processed', from: principal?.service?.name } }),
  },
  {
    method: 'GET',
    path: '/internal/data',
    rule: (guards) => guards.serviceOnly(),
    handle: (principal) => ({ status: 200, body: { data: 'sensitive', called_by: principal?.claims?.['iss'] } }),
  },
];

const authenticator = () =>
  anyOf(
    httpSignatureAuthenticator({
      callers: { 'service-a': { keys: fixedKeys({ a1: { algorithm: 'ed25519', key: ed25519.publicKey } }) } },
      authorities: ['service-b'],
      replay: replay(),
    }),
    legacyXSignatureAuthenticator({
      callers: { 'service-a': { secrets: [secret] } },
      covers: 'canonical_json',
      replay: replay(),
    }),
    serviceTokenAuthenticator({
      validator: createServiceTokenValidator({
        issuers: {
          'service-a': publicPemKeys({ pem: rsa.publicKey.export({ type: 'spki', format: 'pem' }), keyId: 'k1' }),
        },
      }),
      expectedAudience: 'service-b',
      allowedIssuers: ['service-a'],
    }),
  );

const PROCESSED = '200 {"status":"processed","from":"service-a"}';
const signed = httpSignature({ keyid: 'a1', key: { algorithm: 'ed25519', key: ed25519.privateKey } });
const legacy = legacyXSignature({ service: 'service-a', secret, covers: 'canonical_json' });
const key = readSigningKey(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }), 'k1');

for (const [name, start] of FRAMEWORKS) {
  describe(name, () => {
    let server: GuardedServer;
    const auth = serviceAuth({ service: 'service-b', authenticator: authenticator(), errors: 'detail' });
    before(async () => {
      server = await start({ auth, routes: ROUTES });
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      auth.close();
    });

    const send = async ({ method = 'POST', url = URL_OF_CALL, headers = [], body }: RequestParts): Promise<string> => {
      const { pathname, search } = new URL(url);
      const fields = ['Host', 'service-b', 'Content-Type', 'application/json', ...headers.flat()];
      const answer = await sendRequest(server, {
        method,
        target: pathname + search,
        headers: fields,
        ...(body === undefined ? {} : { body }),
      });
      return `${answer.status} ${answer.body}`;
    };

    test(`S2-49 S2-51 S2-56 ${name}: a body that was changed, an old request and one without a signature are refused in the scheme's words`, async () => {
      const request = await authorized(legacy, { url: URL_OF_CALL, body: BODY });
      assert.equal(await send({ ...request, body: '{"b": 1, "a": 3}' }), '401 {"detail":"Invalid signature"}');
      const old = new Date(Date.now() - 61_000).toISOString();
      const headers = (request.headers ?? []).map(
        ([field, value]) => [field, field === 'x-timestamp' ? old : value] as const,
      );
      assert.equal(await send({ ...request, headers }), '401 {"detail":"Request too old"}');
      assert.match(await send({ body: BODY }), /^401 \{"detail":"[^"]+"\}$/);
    });

    test(`C-223 ${name}: the digest of a body is checked before a handler sees it`, async () => {
      const request = await authorized(signed, { url: URL_OF_CALL, body: BODY });
      assert.equal(await send({ ...request, body: '{"b": 1, "a": 3}' }), '401 {"detail":"Invalid signature"}');
      assert.equal(await send({ ...request, url: 'https://service-b/process' }), '401 {"detail":"Invalid signature"}');
    });

    test(`S2-48 S2-53 ${name}: both kinds of signature over a body let its sender in`, async () => {
      for (const credentials of [legacy, signed]) {
        assert.equal(await send(await authorized(credentials, { url: URL_OF_CALL, body: BODY })), PROCESSED);
      }
    });

    test(`S2-28 S2-29 ${name}: the payload of a service JWT is on the request, for the handler`, async () => {
      const url = 'https://service-b/internal/data';
      const withToken = (audience: string) => [
        ['Authorization', `Bearer ${createServiceJwt('service-a', audience, key)}`] as const,
      ];
      const elsewhere = await send({ method: 'GET', url, headers: withToken('service-c') });
      assert.equal(elsewhere, '403 {"detail":"Token not for this service"}');
      const answer = await send({ method: 'GET', url, headers: withToken('service-b') });
      assert.equal(answer, '200 {"data":"sensitive","called_by":"service-a"}');
    });
  });
}
