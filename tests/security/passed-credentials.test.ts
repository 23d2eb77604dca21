/** S3-165: which credentials reach the service behind us: the token that was verified, where it is wanted, and no other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { sendRequest } from '../support/wire.ts';

const OPEN = 'authz: { enabled: false }';
const ROUTES = 'routes: [{ path: /public, auth_required: false }, { path: /** }]';
const BASIC = 'Basic YWRtaW46YWRtaW4=';

function ingressWith(...lines: readonly string[]): Promise<Ingress> {
  return startIngress({ proxy: [OPEN, ROUTES, ...lines].map((line) => `  ${line}`).join('\n') });
}

async function passed(ingress: Ingress, target: string, headers: readonly string[]): Promise<string[]> {
  const answer = await sendRequest(ingress.wire, { target, headers });
  assert.equal(answer.status, 200, answer.body);
  const { rawHeaders = [] } = ingress.app.seen.at(-1) ?? {};
  return ['authorization', 'x-token'].flatMap((name) => valuesOf(rawHeaders, name));
}

describe('with pass_token', () => {
  let ingress: Ingress;
  before(async () => {
    ingress = await ingressWith('headers: { pass_token: true }');
  });
  after(() => ingress[Symbol.asyncDispose]());

  test('S3-165 C-076 what is no token does not pass where none is required', async () => {
    assert.deepEqual(await passed(ingress, '/public', ['Authorization', BASIC]), []);
  });

  test('S3-165 a token that does not verify is refused also where none is required', async () => {
    const forged = `${ingress.token().slice(0, -8)}AAAAAAAA`;
    await ingress.refused(
      'token_signature_invalid',
      () => ingress.send({ target: '/public', headers: ['Authorization', `Bearer ${forged}`] }),
      [forged],
    );
  });

  test('S3-165 the verified token passes as it was sent', async () => {
    const field = `Bearer ${ingress.token()}`;
    for (const target of ['/public', '/orders']) {
      assert.deepEqual(await passed(ingress, target, ['Authorization', field]), [field]);
    }
  });
});

describe('with the token in another header', () => {
  test('S3-154 an Authorization header that nobody looked at does not pass', async () => {
    await using ingress = await ingressWith('auth: { header: X-Token }');
    const token = ['X-Token', `Bearer ${ingress.token()}`];
    assert.deepEqual(await passed(ingress, '/orders', [...token, 'Authorization', 'Bearer forged']), []);
  });

  test('S3-154 S3-165 with pass_token only the verified header passes', async () => {
    await using ingress = await ingressWith('auth: { header: X-Token }', 'headers: { pass_token: true }');
    const field = `Bearer ${ingress.token()}`;
    const sent = ['X-Token', field, 'Authorization', 'Bearer forged'];
    assert.deepEqual(await passed(ingress, '/orders', sent), [field]);
  });
});
