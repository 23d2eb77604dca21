/** `proxy.authz.on_deny`: a policy that is only watched lets pass what it denies, and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { startOrderSidecar } from '../security/order-sidecar.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import type { WireRequest } from '../support/wire.ts';

const POLICY = `package order

import rego.v1

result := {"allow": true, "reasons": ["orders are open"]} if input.request.path == "/open"

result := {"allow": false, "reasons": ["orders are closed"]} if input.request.path == "/closed"

result := {"allow": false} if input.request.path == "/silent"

result := {"allow": true} if input.request.path == "/contradiction"

result := {"allow": false} if input.request.path == "/contradiction"
`;

const start = (onDeny: string, chapters = ''): Promise<Ingress> =>
  startIngress({
    proxy: `  authz: { policy_query: data.order.result${onDeny} }`,
    files: { '/etc/authz/policies/order.rego': POLICY },
    chapters,
  });

for (const [title, onDeny] of [
  ['reject', ', on_deny: reject'],
  ['absent', ''],
] as const) {
  test(`on_deny: ${title} refuses what the policy denies`, async () => {
    await using ingress = await start(onDeny);
    const record = await ingress.refused('policy_denied', () => ingress.send({ target: '/closed' }));
    assert.deepEqual([record['reasons'], record['shadow']], [['orders are closed'], undefined]);
  });
}

describe('on_deny: log_only', () => {
  const REFUSED: readonly (readonly [title: string, code: ProblemCode, request: (i: Ingress) => WireRequest])[] = [
    ['C-225 a policy without an answer', 'policy_undefined', () => ({ target: '/unknown' })],
    ['C-225 a policy that contradicts itself', 'policy_error', () => ({ target: '/contradiction' })],
    ['S3-090 no token', 'token_missing', () => ({ target: '/closed', headers: ['Authorization', 'Basic x'] })],
    [
      'S3-092 a token for another service',
      'token_aud_mismatch',
      (i) => ({ target: '/closed', headers: ['Authorization', `Bearer ${i.token({ aud: 'other' })}`] }),
    ],
    ['C-078 an ambiguous path', 'path_ambiguous', () => ({ target: '/open/../closed' })],
  ];
  for (const [title, code, request] of REFUSED) {
    test(`${title} is refused nevertheless: ${code}`, async () => {
      await using ingress = await start(', on_deny: log_only');
      const record = await ingress.refused(code, () => ingress.send(request(ingress)));
      assert.equal(record['shadow'], undefined);
    });
  }

  test('C-060 the token of a client that the certificate does not stand for is refused nevertheless', async () => {
    await using order = await startOrderSidecar({ authz: '    on_deny: log_only' });
    const token = order.userToken({ azp: 'payment-service' });
    await order.refused('identity_token_mismatch', () =>
      order.send({ target: '/forbidden', headers: ['Authorization', `Bearer ${token}`] }),
    );
  });

  test('a denied request is forwarded, and its record is a denial in the shadow with the reasons', async () => {
    await using ingress = await start(', on_deny: log_only', 'audit: { events: [request, access] }');
    assert.equal((await ingress.send({ target: '/closed' })).status, 200);
    assert.equal(ingress.app.seen.length, 1);
    const [record = {}, access = {}] = ingress.sidecar.audit;
    const { decision, shadow, status, code, reasons, level } = record;
    assert.deepEqual(
      { decision, shadow, status, code, reasons, level },
      {
        decision: 'deny',
        shadow: true,
        status: 200,
        code: 'policy_denied',
        reasons: ['orders are closed'],
        level: 'warn',
      },
    );
    assert.match(String(record['rule']), /^order\.rego:\d+$/);
    assert.deepEqual([access['event'], access['decision'], access['shadow']], ['access', 'deny', true]);
  });

  test('a denial without reasons gets one', async () => {
    await using ingress = await start(', on_deny: log_only');
    assert.equal((await ingress.send({ target: '/silent' })).status, 200);
    assert.deepEqual(ingress.sidecar.audit[0]?.['reasons'], ['the policy does not allow it']);
  });

  test('an allowed request has an ordinary record', async () => {
    await using ingress = await start(', on_deny: log_only');
    assert.equal((await ingress.send({ target: '/open' })).status, 200);
    const [record = {}] = ingress.sidecar.audit;
    assert.deepEqual([record['decision'], 'shadow' in record, record['code']], ['allow', false, undefined]);
  });

  test('the start warns that nothing is enforced', async () => {
    await using ingress = await start(', on_deny: log_only');
    assert.match(ingress.sidecar.log(), /proxy\.authz\.on_deny: forwards what the policy denies/);
  });
});
