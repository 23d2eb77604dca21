/** `proxy.mode: decision_only`: a gateway asks before it forwards, as nginx and Traefik do; nothing is forwarded from here. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { startOrderSidecar } from '../security/order-sidecar.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const POLICY =
  'package authz\ndefault allow := false\nallow if { input.request.method == "POST"; input.request.path == "/orders"; input.request.query != "no" }';

function start(requestFrom: string, more = ''): Promise<Ingress> {
  return startIngress({
    files: { '/policies/a.rego': POLICY },
    chapters: 'policy: { path: /policies }',
    proxy: `  mode: decision_only
  decision: { request_from: ${requestFrom} }
  headers: { inject_user_id: X-User-ID, add: { X-Zone: "2" } }
${more}`,
  });
}

const FORWARDED = ['X-Forwarded-Method', 'POST', 'X-Forwarded-Uri', '/orders?a=1', 'X-Forwarded-Host', 'shop.example'];
const ORIGINAL = ['X-Original-Method', 'POST', 'X-Original-URI', '/orders?a=1'];

const REFUSALS: readonly (readonly [title: string, from: string, code: ProblemCode, request: WireRequest])[] = [
  ['what the policy forbids', 'request_line', 'policy_denied', { target: '/orders' }],
  [
    'a bad token',
    'request_line',
    'token_malformed',
    { method: 'POST', target: '/orders', headers: ['Authorization', 'Bearer x'] },
  ],
  [
    'headers that nobody is believed about',
    'request_line',
    'policy_denied',
    { target: '/', headers: [...FORWARDED, ...ORIGINAL] },
  ],
  [
    'a forwarded request that is not described',
    'x_forwarded',
    'invalid_request',
    { method: 'POST', target: '/orders' },
  ],
  ['a forwarded request without a host', 'x_forwarded', 'invalid_request', { headers: FORWARDED.slice(0, 4) }],
  [
    'a forwarded request that is described twice',
    'x_forwarded',
    'duplicate_header',
    { headers: [...FORWARDED, 'X-Forwarded-Uri', '/orders'] },
  ],
  [
    'a forwarded method that is none',
    'x_forwarded',
    'invalid_request',
    { headers: ['X-Forwarded-Method', 'post', ...FORWARDED.slice(2)] },
  ],
  [
    'a forwarded path that can be read in two ways',
    'x_forwarded',
    'path_ambiguous',
    { headers: [...FORWARDED.slice(0, 2), 'X-Forwarded-Uri', '/x/..%2forders', 'X-Forwarded-Host', 'a'] },
  ],
  [
    'a forwarded host that is none',
    'x_forwarded',
    'host_invalid',
    { headers: [...FORWARDED.slice(0, 4), 'X-Forwarded-Host', 'a/b'] },
  ],
  [
    'an original request that is described by the other headers',
    'x_original',
    'invalid_request',
    { headers: FORWARDED },
  ],
  [
    'an original query that the policy forbids',
    'x_original',
    'policy_denied',
    { headers: ['X-Original-Method', 'POST', 'X-Original-URI', '/orders?no'] },
  ],
];
for (const [title, from, code, request] of REFUSALS) {
  test(`${from}: ${title} is refused with ${code}`, async () => {
    await using gate = await start(from);
    await gate.refused(code, () => gate.send(request));
  });
}

const GRANTS: readonly (readonly [from: string, request: WireRequest])[] = [
  ['request_line', { method: 'POST', target: '/orders?a=1', body: 'never read' }],
  ['x_forwarded', { target: '/auth', headers: FORWARDED }],
  ['x_original', { target: '/auth', headers: ORIGINAL }],
];
for (const [from, request] of GRANTS) {
  test(`${from}: what is allowed is 200 with the headers for the service, recorded, and not forwarded`, async () => {
    await using gate = await start(from);
    const forged = ['X-User-ID', 'admin', 'X-Zone', '9'];
    const answer = await gate.send({ ...request, headers: [...(request.headers ?? []), ...forged] });
    assert.equal(answer.status, 200, answer.raw);
    assert.deepEqual([answer.headers['x-user-id'], answer.headers['x-zone'], answer.body], ['user-123', '2', '']);
    assert.equal(gate.app.seen.length, 0);
    await until(() => gate.sidecar.audit.length > 0);
    const [record, ...others] = gate.sidecar.audit;
    assert.deepEqual(others, []);
    assert.deepEqual(
      ['decision', 'status', 'method', 'path', 'user_id', 'request_id'].map((name) => record?.[name]),
      ['allow', 200, 'POST', '/orders', 'user-123', answer.headers['x-sidegate-decision']],
    );
    assert.ok(!answer.raw.includes('Bearer'), 'no credential is handed back');
  });
}

test('the same requests are forwarded in mode reverse_proxy', async () => {
  await using proxy = await startIngress({
    files: { '/policies/a.rego': POLICY },
    chapters: 'policy: { path: /policies }',
    proxy: '  mode: reverse_proxy',
  });
  assert.equal((await proxy.send({ method: 'POST', target: '/orders' })).body, '{"ok":true}');
  assert.equal(proxy.app.seen.length, 1);
});

test('a gateway is known by its certificate, and another client is not served', async () => {
  await using order = await startOrderSidecar({ proxy: '  mode: decision_only' });
  assert.equal((await order.send({ target: '/orders' })).status, 200);
  const other = order.zone.issue({ uris: ['spiffe://example.org/zone2/other'] });
  await order.refused('peer_not_allowed', () => order.send({ target: '/orders' }, other));
  assert.equal(order.app.seen.length, 0);
});

describe('a gateway that asks for every request, as auth_request does', () => {
  test('lets through what is allowed, with our headers, and nothing else', async () => {
    await using gate = await start('x_original');
    const reached: http.IncomingHttpHeaders[] = [];
    const gateway = http.createServer((request, response) => void forwardIfAllowed(request, response));
    const forwardIfAllowed = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
      const asked = await sendRequest(gate.wire, {
        headers: [
          'Authorization',
          request.headers.authorization ?? '',
          'X-Original-Method',
          request.method ?? '',
          'X-Original-URI',
          request.url ?? '',
        ],
      });
      if (asked.status === 200) reached.push({ ...request.headers, 'x-user-id': asked.headers['x-user-id'] });
      response.writeHead(asked.status).end();
    };
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
    const { port } = gateway.address() as AddressInfo;
    const send = (method: string, target: string) =>
      sendRequest(
        { port },
        { method, target, headers: ['Authorization', `Bearer ${gate.token()}`, 'X-User-ID', 'admin'] },
      );
    assert.equal((await send('GET', '/orders')).status, 403);
    assert.equal((await send('POST', '/other')).status, 403);
    assert.equal((await send('POST', '/orders')).status, 200);
    gateway.close();
    assert.deepEqual(
      reached.map((headers) => headers['x-user-id']),
      ['user-123'],
    );
  });
});
