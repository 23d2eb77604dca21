/** The steps of the ingress in their order: each one refuses before the next is asked, and what passed all of them arrives. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { startThreeSidecars, type ThreeSidecars } from '../support/three-sidecars.ts';
import { createSigningKey } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if "orders:create" in input.token.realm_access.roles
`;

const BUYER = { sub: 'user-123', realm_access: { roles: ['customer', 'orders:create'] } };
const READER = { sub: 'user-789', realm_access: { roles: ['customer'] } };

const bearer = (token: string): readonly string[] => ['Authorization', `Bearer ${token}`];

describe('each step refuses before the next is asked', () => {
  let order: OrderSidecar;
  before(async () => {
    order = await startOrderSidecar({ policy: POLICY });
  });
  after(() => order[Symbol.asyncDispose]());

  test('S3-029 first the certificate: without one nobody looks at the token, good or bad', async () => {
    for (const token of [order.userToken(BUYER), 'not-a-token']) {
      const anybody = { port: order.sidecar.ingressPort, tls: { ca: order.zone.certPem } };
      const record = await order.refusedHandshake(() => sendRequest(anybody, { headers: bearer(token) }));
      assert.deepEqual([record['token'], record['rule'], record['user_id']], [undefined, undefined, undefined]);
    }
  });

  const now = Math.floor(Date.now() / 1000);
  const TOKENS: readonly (readonly [what: string, code: ProblemCode, token: () => string])[] = [
    [
      'signature',
      'token_signature_invalid',
      () => order.userToken(READER, { key: createSigningKey('ES256', 'users-1') }),
    ],
    ['expiry', 'token_expired', () => order.userToken({ ...READER, iat: now - 900, exp: now - 600 })],
    ['issuer', 'token_issuer_mismatch', () => order.userToken({ ...READER, iss: 'https://elsewhere.example' })],
    ['audience', 'token_aud_mismatch', () => order.userToken({ ...READER, aud: 'payment-service' })],
  ];
  for (const [what, code, token] of TOKENS) {
    test(`S3-030 then the token: a wrong ${what} is refused, and the policy, which would deny as well, is not asked`, async () => {
      const record = await order.refused(code, () => order.send({ headers: bearer(token()) }));
      assert.equal(record['rule'], undefined);
      assert.equal(record['mtls_client'], 'api-gateway-client');
    });
  }

  test('S3-031 then the policy: it is told who the user is, and its no is the answer', async () => {
    const record = await order.refused('policy_denied', () => order.send({ headers: bearer(order.userToken(READER)) }));
    assert.equal(record['user_id'], 'user-789');
    assert.match(String(record['rule']), /order\.rego:\d+$/);
  });

  test('S3-029 S3-030 S3-031 S3-032 S3-033 what passes all of them arrives with the user, and leaves one record', async () => {
    const before = order.sidecar.audit.length;
    const forged = ['X-User-ID', 'root', 'X-User-Roles', 'admin'];
    const answer = await order.send({ headers: [...bearer(order.userToken(BUYER)), ...forged] });
    assert.equal(answer.status, 200, answer.raw);
    const { rawHeaders = [] } = order.app.seen.at(-1) ?? {};
    assert.deepEqual(valuesOf(rawHeaders, 'x-user-id'), ['user-123']);
    assert.deepEqual(valuesOf(rawHeaders, 'x-user-roles'), ['customer,orders:create']);
    await until(() => order.sidecar.audit.length > before);
    const records = order.sidecar.audit.slice(before);
    assert.deepEqual(
      records.map(({ decision, mtls_client, user_id, rule }) => [
        decision,
        mtls_client,
        user_id,
        /\w+\.rego/.exec(String(rule))?.[0],
      ]),
      [['allow', 'api-gateway-client', 'user-123', 'order.rego']],
    );
  });
});

describe('the token says who the user is, whatever carries it', () => {
  const TRANSPORTS = [
    ['mutual TLS', () => startOrderSidecar({ policy: POLICY })],
    [
      'plain HTTP',
      async () => {
        const files = { '/etc/authz/policies/order.rego': POLICY };
        const proxy = '  authz: { policy_query: data.order.allow }\n  headers: { inject_user_id: X-User-ID }';
        const ingress = await startIngress({ files, proxy });
        return { ...ingress, userToken: (claims: object) => ingress.token({ ...claims }) };
      },
    ],
  ] as const;
  for (const [transport, start] of TRANSPORTS) {
    test(`S3-013 over ${transport} roles decide, the app knows the user and so does the record`, async () => {
      await using order = await start();
      const denied = await order.refused('policy_denied', () =>
        order.send({ headers: bearer(order.userToken(READER)) }),
      );
      assert.equal(denied['user_id'], 'user-789');
      const answer = await order.send({ headers: bearer(order.userToken(BUYER)) });
      assert.equal(answer.status, 200, answer.raw);
      assert.deepEqual(valuesOf(order.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-id'), ['user-123']);
      await until(() => order.sidecar.audit.at(-1)?.['decision'] === 'allow');
      assert.equal(order.sidecar.audit.at(-1)?.['user_id'], 'user-123');
    });
  }
});

describe('where users get in', () => {
  let zones: ThreeSidecars;
  before(async () => {
    zones = await startThreeSidecars();
  });
  after(() => zones[Symbol.asyncDispose]());

  test('S3-049 the gateway speaks HTTPS only, and the other sidecars end the handshake of a user', async () => {
    const { gateway, order, data, ca } = zones;
    const request = { target: '/api/v1/orders/1', headers: bearer(zones.userToken()) };
    await assert.rejects(sendRequest({ port: gateway.ingressPort }, request));
    for (const { ingressPort } of [order, data]) {
      await assert.rejects(sendRequest({ port: ingressPort, tls: { ca } }, request));
    }
    assert.equal(zones.dataApp.seen.length, 0);
    const answer = await sendRequest({ port: gateway.ingressPort, tls: { ca } }, request);
    assert.equal(answer.status, 200, answer.raw);
    assert.equal(zones.dataApp.seen.length, 1);
  });
});

describe('policy.engine opa_embedded', () => {
  test('S3-187 decides in the process: a hundred decisions open no connection but those to the app', async () => {
    await using ingress = await startIngress({
      files: { '/etc/authz/policies/order.rego': POLICY },
      chapters: 'policy: { engine: opa_embedded }',
      proxy: '  authz: { policy_query: data.order.allow }',
    });
    const ports = new Set<number | undefined>();
    const opening = (message: unknown): void => {
      const { socket } = message as { readonly socket: Socket };
      socket.once('connect', () => ports.add(socket.remotePort));
    };
    subscribe('net.client.socket', opening);
    try {
      for (let i = 0; i < 100; i += 1) {
        const user = i % 2 === 0 ? BUYER : READER;
        const { status } = await ingress.send({ headers: bearer(ingress.token(user)) });
        assert.equal(status, i % 2 === 0 ? 200 : 403);
      }
    } finally {
      unsubscribe('net.client.socket', opening);
    }
    assert.deepEqual(ports, new Set([ingress.sidecar.ingressPort, ingress.app.port]));
  });
});
