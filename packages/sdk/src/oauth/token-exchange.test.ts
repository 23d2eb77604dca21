import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from '../../../../tests/support/token-endpoint.ts';
import { createSigningKey, mint } from '../../../../tests/support/tokens.ts';
import { createDpopProver } from '../dpop/prover.ts';
import { verifyDpopProof } from '../dpop/verify-proof.ts';
import { Problem } from '../problem.ts';
import { AccessToken } from './access-token.ts';
import { obtainToken } from './client-credentials.ts';
import { createExchangedTokens, type ExchangedTokensOptions } from './exchanged-tokens.ts';
import { beginTransaction, exchangeToken } from './token-exchange.ts';

const time = manualTime();
const { clock } = time;
const TYPE = 'urn:ietf:params:oauth:token-type:';
const SUBJECT = 'canary.subject.token';
const secret = { reveal: () => 'canary-secret' };

const endpointOf = ({ url }: TokenEndpoint) => ({
  tokenUrl: url,
  clientId: 'gateway',
  authentication: { method: 'client_secret_post', secret } as const,
  scopes: ['orders:read'],
});

const exchanged = (changes: object = {}): TokenAnswer => ({
  body: {
    access_token: 'abc.def',
    token_type: 'Bearer',
    issued_token_type: `${TYPE}access_token`,
    expires_in: 300,
    ...changes,
  },
});
const begun = (changes: object = {}): TokenAnswer =>
  exchanged({ token_type: 'N_A', issued_token_type: `${TYPE}txn_token`, expires_in: undefined, ...changes });

describe('an answer to a token exchange', () => {
  for (const [what, answer] of [
    ['without the type of its token', exchanged({ issued_token_type: undefined })],
    ['with a refresh token', exchanged({ issued_token_type: `${TYPE}refresh_token` })],
    ['with a transaction token', exchanged({ issued_token_type: `${TYPE}txn_token` })],
    ['with a token that is none to bear', exchanged({ token_type: 'N_A' })],
    ['with a token that is bound to a key', exchanged({ token_type: 'DPoP' })],
    ['that is an error', { status: 400, body: { error: 'invalid_target', error_description: 'no' } }],
    ['that repeats the subject token', { status: 400, body: { error: 'invalid_request', error_description: SUBJECT } }],
  ] as const) {
    test(`${what} is idp_bad_response, and its reason shows no token`, async () => {
      await using endpoint = await startTokenEndpoint(() => answer);
      await assert.rejects(
        exchangeToken(endpointOf(endpoint), SUBJECT, { http: endpoint.http, clock }),
        (error) => error instanceof Problem && error.code === 'idp_bad_response' && !error.message.includes('canary'),
      );
    });
  }

  for (const [what, answer] of [
    ['with an access token', begun({ token_type: 'Bearer', issued_token_type: `${TYPE}access_token` })],
    ['with an access token under its name', begun({ token_type: 'Bearer' })],
    ['without the type of its token', begun({ issued_token_type: undefined })],
  ] as const) {
    test(`that should begin a transaction ${what} is idp_bad_response`, async () => {
      await using endpoint = await startTokenEndpoint(() => answer);
      const { scopes, ...asking } = endpointOf(endpoint);
      const grant = { ...asking, scopes, trustDomain: 'example.org' };
      await assert.rejects(
        beginTransaction(grant, { subjectToken: SUBJECT }, { http: endpoint.http, clock }),
        (error) => error instanceof Problem && error.code === 'idp_bad_response',
      );
    });
  }

  test('RFC 8693 section 2.1: what is asked for', async () => {
    await using endpoint = await startTokenEndpoint(() => exchanged());
    const grant = {
      ...endpointOf(endpoint),
      audience: 'order-service',
      parameters: { subject_token: 'no', hint: 'x' },
    };
    const token = await exchangeToken(grant, SUBJECT, { http: endpoint.http, clock });
    assert.equal(token.reveal(), 'abc.def');
    assert.deepEqual(Object.fromEntries(endpoint.requests[0]?.form ?? []), {
      hint: 'x',
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      scope: 'orders:read',
      audience: 'order-service',
      requested_token_type: `${TYPE}access_token`,
      subject_token: SUBJECT,
      subject_token_type: `${TYPE}access_token`,
      client_id: 'gateway',
      client_secret: 'canary-secret',
    });
  });

  test('a Txn-Token request names trust domain, purpose, details and context', async () => {
    await using endpoint = await startTokenEndpoint(() => begun());
    const { scopes, ...asking } = endpointOf(endpoint);
    const request = { subjectToken: SUBJECT, details: { method: 'POST' }, context: { correlation_id: 'c' } };
    const grant = { ...asking, scopes, trustDomain: 'example.org' };
    await beginTransaction(grant, request, { http: endpoint.http, clock });
    const form = Object.fromEntries(endpoint.requests[0]?.form ?? []);
    assert.deepEqual(
      [form['audience'], form['requested_token_type'], form['request_details'], form['request_context']],
      ['example.org', `${TYPE}txn_token`, '{"method":"POST"}', '{"correlation_id":"c"}'],
    );
  });
});

describe('a token that is bound to a key of ours, RFC 9449 section 5', () => {
  const bound = (changes: object = {}): TokenAnswer => exchanged({ token_type: 'DPoP', ...changes });

  test('a bearer token in its place is refused', async () => {
    await using endpoint = await startTokenEndpoint(() => exchanged());
    const grant = { ...endpointOf(endpoint), prover: createDpopProver() };
    await assert.rejects(
      obtainToken(grant, { http: endpoint.http, clock }),
      (error) => error instanceof Problem && error.code === 'idp_bad_response',
    );
  });

  test('each request has a proof of its own, with the nonce that the endpoint asked for, and one more try', async () => {
    const prover = createDpopProver();
    const rules = { clock };
    let proofs = 0;
    await using endpoint = await startTokenEndpoint(({ headers, form }) => {
      const proof = String(headers['dpop']);
      const verified = verifyDpopProof([proof], { method: 'POST', uris: [endpoint.url] }, rules);
      assert.equal(verified.thumbprint, prover.thumbprint);
      assert.equal(form.get('grant_type'), 'client_credentials');
      proofs += 1;
      const { nonce } = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as {
        nonce?: string;
      };
      if (nonce === 'n-1') return bound();
      return { status: 400, headers: { 'dpop-nonce': 'n-1' }, body: { error: 'use_dpop_nonce' } };
    });
    const grant = { ...endpointOf(endpoint), prover };
    for (let i = 0; i < 2; i += 1) await obtainToken(grant, { http: endpoint.http, clock });
    assert.equal(proofs, 3, 'the nonce is known the second time');
  });

  test('an endpoint that asks for one nonce after the other is asked twice', async () => {
    let asked = 0;
    await using endpoint = await startTokenEndpoint(() => {
      asked += 1;
      return { status: 400, headers: { 'dpop-nonce': `n-${asked}` }, body: { error: 'use_dpop_nonce' } };
    });
    const grant = { ...endpointOf(endpoint), prover: createDpopProver() };
    await assert.rejects(
      obtainToken(grant, { http: endpoint.http, clock }),
      (error) => error instanceof Problem && error.code === 'idp_bad_response',
    );
    assert.equal(asked, 2);
  });

  for (const nonce of ['with "quotes"', 'a\\b', 'x'.repeat(1025), '']) {
    test(`a nonce like ${JSON.stringify(nonce.slice(0, 15))} is not taken`, () => {
      assert.equal(createDpopProver().learn('https://idp.example.com/token', nonce), false);
    });
  }
});

describe('S4-081 exchanged tokens', () => {
  const key = createSigningKey('ES256', 'users');
  const subject = (sub: string, lifeSeconds: number = 3600): string =>
    mint({ sub, exp: clock.now() / 1000 + lifeSeconds }, { key });

  function tokens(options: Partial<ExchangedTokensOptions> = {}) {
    const asked: string[] = [];
    const exchange = async (token: string): Promise<AccessToken> => {
      asked.push(token);
      return new AccessToken(`${asked.length}`, {
        expiresAt: clock.now() + 300_000,
        scopes: [],
        issuedScope: undefined,
      });
    };
    return { asked, source: createExchangedTokens({ exchange, clock, random: () => 0, ...options }) };
  }

  test("S4-081 one caller's token is never given for another's, nor for another part", async () => {
    const { source, asked } = tokens();
    const [john, jane] = [subject('john'), subject('jane')];
    const given = [];
    for (const [token, part] of [
      [john, ''],
      [jane, ''],
      [john, 'a'],
      [`a${john}`, ''],
      [john, ''],
      [jane, ''],
    ] as const) {
      given.push((await source.token(token, part)).reveal());
    }
    assert.deepEqual(given, ['1', '2', '3', '4', '1', '2']);
    assert.equal(asked.length, 4);
  });

  test('S4-081 however many wait for one, it is asked for once', async () => {
    const { source, asked } = tokens();
    const [john, jane] = [subject('john'), subject('jane')];
    const given = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => source.token(i % 2 === 0 ? john : jane)),
    );
    assert.equal(asked.length, 2);
    assert.deepEqual([...new Set(given.map((token) => token.reveal()))], ['1', '2']);
    assert.deepEqual(new Set(given.filter((_, i) => i % 2 === 0).map((token) => token.reveal())), new Set(['1']));
  });

  test('none outlives the token that it came of', async () => {
    const { source } = tokens();
    assert.equal((await source.token(subject('john', 60))).expiresAt, clock.now() + 60_000);
    assert.equal((await source.token(subject('jane', 3600))).expiresAt, clock.now() + 300_000);
  });

  test('a refusal of one caller stops no other', async () => {
    const john = subject('john');
    const { source } = tokens({
      exchange: async (token) => {
        if (token === john) throw new Problem('idp_bad_response', 'no');
        return new AccessToken('good', { expiresAt: clock.now() + 300_000, scopes: [], issuedScope: undefined });
      },
    });
    await assert.rejects(async () => source.token(john));
    assert.equal((await source.token(subject('jane'))).reveal(), 'good');
  });

  test('at most so many are remembered, and none that nobody asked for in ten minutes', async () => {
    const { source, asked } = tokens({ maxSubjects: 2 });
    const [john, jane, jack] = [subject('john'), subject('jane'), subject('jack')];
    for (const token of [john, jane, john, jack, john, jane]) await source.token(token);
    assert.deepEqual(asked, [john, jane, jack, jane]);
    source.close();
  });
});
