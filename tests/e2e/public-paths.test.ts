/** `proxy.public_paths`: what anybody may ask for, and what only looks like it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { startOrderSidecar } from '../security/order-sidecar.ts';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';

const DENY_ALL = { '/etc/authz/policies/order.rego': 'package order\n\nimport rego.v1\n\ndefault allow := false\n' };
const NO_TOKEN = ['Authorization', 'Basic x'];
const AUTHZ = '  authz: { policy_query: data.order.allow }';
const PUBLIC = `${AUTHZ}
  headers: { inject_user_id: X-User-ID, pass_token: true }
  public_paths: [/public/**, /health, /assets/*/logo]`;

const start = (proxy = PUBLIC) => startIngress({ proxy, files: DENY_ALL });

describe('what is not public', () => {
  const ROWS: readonly (readonly [title: string, code: ProblemCode, target: string])[] = [
    ['C-078 a path that leaves the public one', 'path_ambiguous', '/public/../admin'],
    ['C-078 a path that comes back to it', 'path_ambiguous', '/admin/../public/x'],
    ['C-079 encoded dots', 'path_ambiguous', '/public/%2e%2e/admin'],
    ['C-079 half encoded dots', 'path_ambiguous', '/public/.%2E/admin'],
    ['C-080 an encoded slash', 'path_ambiguous', '/public/..%2fadmin'],
    ['C-081 a parameter behind dots', 'path_ambiguous', '/public/..;/admin'],
    ['C-082 an empty segment before it', 'path_ambiguous', '//public/x'],
    ['C-083 a dot segment before it', 'path_ambiguous', '/./public/x'],
    ['C-089 doubly encoded dots', 'path_ambiguous', '/public/%252e%252e/admin'],
    ['C-091 a backslash', 'path_ambiguous', '/public\\..\\admin'],
    ['a letter of it that is encoded', 'path_ambiguous', '/p%75blic/x'],
    ['an encoded letter of an exact one', 'path_ambiguous', '/%68ealth'],
    ['C-084 a final slash', 'token_missing', '/health/'],
    ['C-085 another case', 'token_missing', '/Public/x'],
    ['C-100 a longer segment', 'token_missing', '/public-admin'],
    ['two segments where one is', 'token_missing', '/assets/a/b/logo'],
    ['C-094 a query that names a public path', 'token_missing', '/private?p=/public/x'],
    ['an encoded letter elsewhere', 'token_missing', '/priv%61te'],
  ];
  for (const [title, code, target] of ROWS) {
    test(`${title}: ${target} is ${code}`, async () => {
      await using ingress = await start();
      await ingress.refused(code, () => ingress.send({ target, headers: NO_TOKEN }));
    });
  }

  test('without public_paths the same path needs a token and the policy', async () => {
    await using ingress = await start(AUTHZ);
    await ingress.refused('token_missing', () => ingress.send({ target: '/public/x', headers: NO_TOKEN }));
    await ingress.refused('policy_denied', () => ingress.send({ target: '/public/x' }));
  });

  test('a public path that no route has stays unknown, and one of another method too', async () => {
    await using ingress = await start(`${PUBLIC}\n  routes: [{ path: /health, methods: [GET] }]`);
    await ingress.refused('route_not_found', () => ingress.send({ target: '/public/x', headers: NO_TOKEN }));
    await ingress.refused('method_not_allowed', () =>
      ingress.send({ method: 'POST', target: '/health', headers: NO_TOKEN }),
    );
  });

  test('S3-130 a client that mtls does not allow is refused there too', async () => {
    await using order = await startOrderSidecar({ proxy: '  public_paths: [/health]' });
    const stranger = order.zone.issue({ subject: [{ CN: 'stranger' }], uris: ['spiffe://example.org/zone9/stranger'] });
    await order.refused('peer_not_allowed', () => order.send({ target: '/health', headers: [] }, stranger));
  });
});

describe('what is public', () => {
  for (const target of ['/public', '/public/x/y', '/public/caf%C3%A9', '/health?from=probe', '/assets/a/logo']) {
    test(`${target} needs neither token nor policy, and the record says why it was allowed`, async () => {
      await using ingress = await start();
      assert.equal((await ingress.send({ target, headers: NO_TOKEN })).status, 200);
      const [record = {}] = ingress.sidecar.audit;
      assert.equal(record['decision'], 'allow');
      assert.match(String(record['reasons']), /is public$/);
    });
  }

  test('C-109 C-120 nobody is believed: neither identity headers, nor a context, nor a token arrive', async () => {
    await using ingress = await start();
    const token = ingress.token();
    const forged = ['X-User-ID', 'admin', 'x-user-roles', 'admin', 'X-User-Context', 'mallory'];
    const answer = await ingress.send({
      target: '/public/x',
      headers: ['Authorization', `Bearer ${token}`, ...forged],
    });
    assert.equal(answer.status, 200);
    const rawHeaders = ingress.app.seen.at(-1)?.rawHeaders ?? [];
    for (const name of ['authorization', 'x-user-id', 'x-user-roles', 'x-user-context']) {
      assert.deepEqual(valuesOf(rawHeaders, name), [], name);
    }
    const [record = {}] = ingress.sidecar.audit;
    assert.deepEqual([record['user_id'], record['token'], record['context_verified']], [undefined, undefined, false]);
  });

  test('C-111 a look-alike of an identity header is refused there too', async () => {
    await using ingress = await start();
    await ingress.refused('header_name_ambiguous', () =>
      ingress.send({ target: '/health', headers: [...NO_TOKEN, 'X_User_ID', 'admin'] }),
    );
  });

  test('a wrong token is not looked at', async () => {
    await using ingress = await start();
    const token = ingress.token({ aud: 'other' });
    const answer = await ingress.send({ target: '/health', headers: ['Authorization', `Bearer ${token}`] });
    assert.equal(answer.status, 200);
  });

  test('the start warns when everything is public', async () => {
    await using ingress = await start(`${AUTHZ}\n  public_paths: ["/**"]`);
    assert.match(ingress.sidecar.log(), /proxy\.public_paths\[0\]: asks nobody for anything/);
  });
});
