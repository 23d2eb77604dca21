/** Tokens that are bound to the key of their client: a proof for each attempt, and no attempt too many. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { startTokenEndpoint } from '../../../../tests/support/token-endpoint.ts';
import { verifyDpopProof } from '../dpop/verify-proof.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { oauthClient, runWithContext, serviceClient } from './index.ts';

const authentication = { method: 'client_secret_post', secret: { reveal: () => 'canary-client-secret' } } as const;
const rules = { clock: systemRuntime().clock };

type Service = Awaited<ReturnType<typeof startCalledService>>;
type Call = Service['calls'][number];

async function scene(answer: Parameters<typeof startCalledService>[0] = {}, tokenType = 'DPoP') {
  let issued = 0;
  const endpoint = await startTokenEndpoint(({ form }) => ({
    body: {
      access_token: `t${(issued += 1)}`,
      token_type: tokenType,
      expires_in: 3600,
      scope: form.get('scope'),
      ...(form.has('subject_token') ? { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } : {}),
    },
  }));
  const service = await startCalledService(answer);
  const registration = oauthClient({ tokenUrl: endpoint.url, clientId: 'order-service', authentication, dpop: true });
  const request = { scopes: ['payment:charge'] } as const;
  const client = (kind: 'clientCredentials' | 'tokenExchange' = 'clientCredentials', target = service.url) =>
    serviceClient({ target, credentials: registration[kind](request), development: true });
  return {
    endpoint,
    service,
    client,
    issued: () => issued,
    async [Symbol.asyncDispose]() {
      await registration.close();
      await endpoint[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

const proofOf = ({ headers }: Call): string => String(headers['dpop']);
const claimsOf = (call: Call) => {
  const [, payload = ''] = proofOf(call).split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Readonly<Record<string, unknown>>;
};
const tokenOf = ({ headers }: Call): string => String(headers.authorization).replace(/^DPoP /, '');
/** Throws when the proof is not for this call of that service. */
const proven = (service: Service, call: Call) =>
  verifyDpopProof(
    [proofOf(call)],
    { method: call.method, uris: [`${service.url}${call.target.split('?')[0]}`], accessToken: tokenOf(call) },
    rules,
  );
const asking = (nonce: string) => ({
  status: 401,
  headers: { 'dpop-nonce': nonce, 'www-authenticate': 'DPoP error="use_dpop_nonce", algs="ES256"' },
});

describe('a client whose tokens are bound to its key', () => {
  test('sends nothing with a token that anybody could use', async () => {
    await using at = await scene({}, 'Bearer');
    await assert.rejects(at.client().fetch('/'), { code: 'idp_bad_response' });
    assert.equal(at.service.calls.length, 0);
  });

  test('proves each request for itself: its method, its URL without the query, its token', async () => {
    await using at = await scene();
    const client = at.client();
    await client.fetch('/charge?x=1', { method: 'POST', body: '{}' });
    await client.fetch('/receipts/42');
    const keys = at.service.calls.map((call) => proven(at.service, call));
    assert.equal(new Set(keys.map(({ id }) => id)).size, 2);
    assert.equal(new Set(keys.map(({ thumbprint }) => thumbprint)).size, 1);
    assert.equal(at.issued(), 1);
    const asked = String(at.endpoint.requests[0]?.headers['dpop']);
    const { thumbprint } = verifyDpopProof([asked], { method: 'POST', uris: [at.endpoint.url] }, rules);
    assert.equal(thumbprint, keys[0]?.thumbprint, 'the key that the token was asked for with');
  });

  test('has another proof for each attempt of a call that is repeated', async () => {
    let calls = 0;
    await using at = await scene({ answer: () => ({ status: (calls += 1) < 3 ? 503 : 200 }) });
    assert.equal((await at.client().fetch('/')).status, 200);
    assert.equal(new Set(at.service.calls.map((call) => proven(at.service, call).id)).size, 3);
  });

  test('has the nonce that the target asked for, at once, also for a POST; the token stays, and the next call has it too', async () => {
    await using at = await scene({ answer: (call) => (claimsOf(call)['nonce'] === 'n-1' ? {} : asking('n-1')) });
    const client = at.client();
    assert.equal((await client.fetch('/charge', { method: 'POST', body: '{}' })).status, 200);
    assert.equal((await client.fetch('/')).status, 200);
    assert.deepEqual(
      at.service.calls.map(claimsOf).map(({ nonce }) => nonce),
      [undefined, 'n-1', 'n-1'],
    );
    assert.equal(at.issued(), 1);
  });

  test('takes a nonce that comes with a success', async () => {
    await using at = await scene({ answer: () => ({ headers: { 'dpop-nonce': 'n-2' } }) });
    const client = at.client();
    for (const _ of [1, 2]) await client.fetch('/');
    assert.deepEqual(
      at.service.calls.map(claimsOf).map(({ nonce }) => nonce),
      [undefined, 'n-2'],
    );
  });

  test('asks no target twice that wants another nonce each time, or none that it says', async () => {
    let asked = 0;
    for (const answer of [() => asking(`n-${(asked += 1)}`), () => asking('not "one" nonce'), () => asking('same')]) {
      await using at = await scene({ answer });
      const client = at.client();
      assert.equal((await client.fetch('/')).status, 401);
      assert.ok(at.service.calls.length <= 2);
    }
  });

  test('does not show a refused token again behind another proof, but another token once', async () => {
    const refusing = { status: 401, headers: { 'www-authenticate': 'DPoP error="invalid_token"' } };
    await using at = await scene({ answer: () => refusing });
    const client = at.client();
    assert.equal((await client.fetch('/')).status, 401);
    assert.deepEqual(at.service.calls.map(tokenOf), ['t1', 't2']);
    assert.equal((await client.fetch('/')).status, 401);
    assert.deepEqual(at.service.calls.map(tokenOf), ['t1', 't2', 't2'], 'no flood at the issuer');
  });

  test('does not send a stream twice; the next call has the nonce', async () => {
    await using at = await scene({ answer: (call) => (claimsOf(call)['nonce'] === 'n-1' ? {} : asking('n-1')) });
    const client = at.client();
    const body = new Blob(['{}']).stream() as ReadableStream<Uint8Array>;
    assert.equal((await client.fetch('/', { method: 'POST', body })).status, 401);
    assert.equal((await client.fetch('/')).status, 200);
    assert.equal(at.service.calls.length, 2);
  });

  test('keeps the nonce of each target to itself', async () => {
    await using at = await scene({ answer: () => ({ headers: { 'dpop-nonce': 'of-the-first' } }) });
    await using other = await startCalledService();
    await at.client().fetch('/');
    await at.client('clientCredentials', other.url).fetch('/');
    assert.deepEqual(
      other.calls.map(claimsOf).map(({ nonce }) => nonce),
      [undefined],
    );
  });

  test('does the same with a token that it exchanges', async () => {
    await using at = await scene();
    await runWithContext({ subjectToken: 'of-the-user' }, () => at.client('tokenExchange').fetch('/'));
    const [call] = at.service.calls;
    assert.ok(call !== undefined && proven(at.service, call).thumbprint !== '');
    assert.equal(at.endpoint.requests[0]?.headers['dpop'] === undefined, false);
  });
});
