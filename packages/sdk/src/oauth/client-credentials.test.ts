import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { startTokenEndpoint, type TokenAnswer } from '../../../../tests/support/token-endpoint.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import type { AccessToken } from './access-token.ts';
import { type ClientCredentialsGrant, obtainToken } from './client-credentials.ts';

const SECRET = 'canary+secret/with:colon and "quotes"';
const NOW = Date.UTC(2026, 0, 1);
const clock = { now: () => NOW, monotonic: () => 0 };
const good = { access_token: 'abc.def', token_type: 'Bearer', expires_in: 300 };

const grant = (url: string, changes: Partial<ClientCredentialsGrant> = {}): ClientCredentialsGrant => ({
  tokenUrl: url,
  clientId: 'order-service',
  authentication: { method: 'client_secret_post', secret: { reveal: () => SECRET } },
  scopes: ['data-service:read', 'data-service:write'],
  ...changes,
});

const jwt = (claims: unknown): string =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

/** What one answer of the endpoint leads to. */
async function exchange(answer: TokenAnswer): Promise<AccessToken | Problem> {
  await using endpoint = await startTokenEndpoint(() => answer);
  try {
    return await obtainToken(grant(endpoint.url), { http: endpoint.http, clock });
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(endpoint.requests.length, 1, 'one request, no second try');
    return error;
  }
}

async function refusal(answer: TokenAnswer, code: ProblemCode): Promise<Problem> {
  const problem = await exchange(answer);
  assert.ok(problem instanceof Problem, 'the answer is refused');
  assert.equal(problem.code, code, problem.message);
  return problem;
}

async function token(answer: Readonly<Record<string, unknown>>): Promise<AccessToken> {
  const received = await exchange({ body: answer });
  if (received instanceof Problem) throw received;
  return received;
}

describe('an unusable answer is 502 idp_bad_response:', () => {
  const UNUSABLE: readonly [string, TokenAnswer][] = [
    ['C-215 CRLF in the token', { body: { ...good, access_token: 'abc\r\nX-User-Id: admin' } }],
    ['C-215 LF at the end of the token', { body: { ...good, access_token: 'abc\n' } }],
    ['C-215 NUL in the token', { body: { ...good, access_token: 'abc\0' } }],
    ['C-215 a space in the token', { body: { ...good, access_token: 'abc def' } }],
    ['C-215 a token that is not ASCII', { body: { ...good, access_token: 'abcé' } }],
    ['C-215 token_type mac', { body: { ...good, token_type: 'mac' } }],
    ['C-215 token_type DPoP', { body: { ...good, token_type: 'DPoP' } }],
    ['C-215 token_type bearer with a space', { body: { ...good, token_type: 'bearer ' } }],
    ['C-215 no token_type', { body: { ...good, token_type: undefined } }],
    ['C-215 a megabyte', { body: { ...good, padding: 'x'.repeat(1024 * 1024) } }],
    ['C-215 more than 64 KiB', { body: { ...good, padding: 'x'.repeat(64 * 1024) } }],
    ['C-215 a token of more than 8 KiB', { body: { ...good, access_token: 'x'.repeat(8193) } }],
    ['no access_token', { body: { ...good, access_token: undefined } }],
    ['an empty access_token', { body: { ...good, access_token: '' } }],
    ['an access_token that is an object', { body: { ...good, access_token: {} } }],
    ['a scope that is a list', { body: { ...good, scope: ['a'] } }],
    ['a scope with a line feed', { body: { ...good, scope: 'a\nb' } }],
    ['a list instead of an object', { body: [good] }],
    ['null', { body: 'null' }],
    ['an empty body', { body: '' }],
    ['HTML', { body: '<html>' }],
    ['two objects', { body: `${JSON.stringify(good)}{}` }],
    ['members that only the prototype would have', { body: { __proto__: null, expires_in: 1 } }],
    ['a token that is expired already', { body: { ...good, access_token: jwt({ exp: NOW / 1000 }) } }],
    ['201', { status: 201, body: good }],
    ['204', { status: 204, body: '' }],
    ['a redirect, which is not followed', { status: 302, headers: { location: '/elsewhere' }, body: good }],
    ['401', { status: 401, body: { error: 'invalid_client' } }],
    ['400 without an error', { status: 400, body: 'nope' }],
  ];
  for (const [title, answer] of UNUSABLE) {
    it(title, async () => {
      await refusal(answer, 'idp_bad_response');
    });
  }

  it('and the reason names the RFC 6749 error', async () => {
    const body = { error: 'invalid_client', error_description: 'Invalid client\r\nor credentials\u001b[2J' };
    const { message } = await refusal({ status: 401, body }, 'idp_bad_response');
    assert.match(message, /answered 401: "invalid_client: Invalid client/);
    assert.doesNotMatch(message, /\p{Cc}/u);
  });

  it('and the reason is short, whatever the answer is', async () => {
    const body = { error: 'x'.repeat(10_000), error_description: 'y'.repeat(10_000) };
    const { message } = await refusal({ status: 400, body }, 'idp_bad_response');
    assert.ok(message.length < 300, message);
  });

  it('C-226 and the reason never repeats the secret, in any spelling', async () => {
    const encoded = new URLSearchParams({ s: SECRET }).toString().slice(2);
    const basic = Buffer.from(`order-service:${encoded}`).toString('base64');
    for (const echo of [SECRET, encoded, encodeURIComponent(SECRET), basic]) {
      for (const body of [{ error: echo }, { error: 'invalid_client', error_description: `got ${echo}` }]) {
        const problem = await refusal({ status: 400, body }, 'idp_bad_response');
        assert.ok(!inspect(problem, { depth: 9, showHidden: true }).includes(echo), problem.message);
      }
    }
  });
});

describe('no answer is 503 idp_unavailable:', () => {
  const ABSENT: readonly [string, TokenAnswer, number][] = [
    ['a broken connection', 'reset', 5],
    ['500', { status: 500, body: '' }, 5],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '17' }, body: '' }, 17],
    ['503 with an absurd Retry-After', { status: 503, headers: { 'retry-after': '999999999' }, body: '' }, 300],
    [
      '503 with a date as Retry-After',
      { status: 503, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:00 GMT' }, body: '' },
      5,
    ],
    ['429', { status: 429, headers: { 'retry-after': '0' }, body: '' }, 1],
  ];
  for (const [title, answer, retryAfterSeconds] of ABSENT) {
    it(title, async () => {
      assert.equal((await refusal(answer, 'idp_unavailable')).retryAfterSeconds, retryAfterSeconds);
    });
  }

  it('nobody listens', async () => {
    const { url, http } = await (async () => {
      await using endpoint = await startTokenEndpoint(() => 'silence');
      return { url: endpoint.url, http: endpoint.http };
    })();
    await assert.rejects(obtainToken(grant(url), { http, clock }), { code: 'idp_unavailable', retryAfterSeconds: 5 });
  });

  it('silence, for as long as the request may take', async () => {
    await using endpoint = await startTokenEndpoint(() => 'silence');
    const impatient: typeof endpoint.http = (request) => {
      assert.equal(request.timeoutMs, 5000);
      return endpoint.http({ ...request, timeoutMs: 50 });
    };
    const attempt = obtainToken(grant(endpoint.url), { http: impatient, clock });
    await assert.rejects(attempt, { code: 'idp_unavailable' });
  });
});

describe('the life of a token', () => {
  const LIVES: readonly [string, Readonly<Record<string, unknown>>, number][] = [
    ['is expires_in', good, 300],
    [
      'C-216 is the exp of the JWT without expires_in',
      { ...good, expires_in: undefined, access_token: jwt({ exp: NOW / 1000 + 120 }) },
      120,
    ],
    [
      'C-216 is the exp of the JWT when expires_in is a text',
      { ...good, expires_in: '300', access_token: jwt({ exp: NOW / 1000 + 120 }) },
      120,
    ],
    ['is the exp of the JWT when that is sooner', { ...good, access_token: jwt({ exp: NOW / 1000 + 10 }) }, 10],
    ['is expires_in when the JWT claims more', { ...good, access_token: jwt({ exp: NOW / 1000 + 9999 }) }, 300],
    ['C-216 is a minute without both', { ...good, expires_in: undefined }, 60],
    ['C-216 is a minute when expires_in is negative', { ...good, expires_in: -1 }, 60],
    ['C-216 is a minute when expires_in is 0', { ...good, expires_in: 0 }, 60],
    ['C-216 is a minute when expires_in is null', { ...good, expires_in: null }, 60],
    [
      'C-216 is a minute when exp is a text',
      { ...good, expires_in: undefined, access_token: jwt({ exp: '9999999999' }) },
      60,
    ],
    ['C-216 is a minute when the payload is not JSON', { ...good, expires_in: undefined, access_token: 'a.b.c' }, 60],
    ['is a day at most', { ...good, expires_in: 1e7 }, 86_400],
    ['C-216 is a minute when expires_in is a date', { ...good, expires_in: 1_790_000_000 }, 60],
  ];
  for (const [title, answer, seconds] of LIVES) {
    it(title, async () => assert.equal((await token(answer)).expiresAt, NOW + seconds * 1000));
  }

  it('C-216 is a minute when expires_in is too large for a number', async () => {
    const received = await exchange({ body: JSON.stringify(good).replace('300', '1e999') });
    assert.ok(!(received instanceof Problem));
    assert.equal(received.expiresAt, NOW + 60_000);
  });
});

describe('the token request', () => {
  it('S3-102 sends secret and scopes in the body, and no Authorization header', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    await obtainToken(grant(endpoint.url), { http: endpoint.http, clock });
    const [request] = endpoint.requests;
    assert.equal(`${request?.method} ${request?.url}`, 'POST /realms/services/protocol/openid-connect/token');
    assert.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.equal(request.headers.authorization, undefined);
    assert.deepEqual(
      [...request.form],
      [
        ['grant_type', 'client_credentials'],
        ['scope', 'data-service:read data-service:write'],
        ['client_id', 'order-service'],
        ['client_secret', SECRET],
      ],
    );
  });

  it('S3-179 joins the scopes of the seed by spaces', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    const lists = [
      ['data-service:read', 'data-service:write'],
      ['data-service:read', 'data-service:write-payments'],
    ];
    for (const scopes of lists) await obtainToken(grant(endpoint.url, { scopes }), { http: endpoint.http, clock });
    assert.deepEqual(
      endpoint.requests.map(({ form }) => form.get('scope')),
      ['data-service:read data-service:write', 'data-service:read data-service:write-payments'],
    );
  });

  it('C-192 with client_secret_basic sends the secret in the header only, both parts form-encoded', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    const basic = grant(endpoint.url, {
      authentication: { method: 'client_secret_basic', secret: { reveal: () => SECRET } },
      clientId: 'order:service é',
      scopes: [],
      audience: 'data-service',
      resource: 'https://data.example/',
    });
    await obtainToken(basic, { http: endpoint.http, clock });
    const [request] = endpoint.requests;
    const [scheme, credentials = ''] = request?.headers.authorization?.split(' ') ?? [];
    const [id = '', secret = '', ...rest] = Buffer.from(credentials, 'base64').toString().split(':');
    assert.equal(scheme, 'Basic');
    assert.equal(id, 'order%3Aservice+%C3%A9');
    assert.equal(new URLSearchParams(`x=${secret}`).get('x'), SECRET);
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [...(request?.form ?? [])],
      [
        ['grant_type', 'client_credentials'],
        ['audience', 'data-service'],
        ['resource', 'https://data.example/'],
      ],
    );
  });
});

describe('the access token', () => {
  it('carries the issued scopes, or those asked for', async () => {
    const narrowed = await token({ ...good, scope: 'data-service:read' });
    assert.deepEqual([narrowed.scopes, narrowed.issuedScope], [['data-service:read'], 'data-service:read']);
    const silent = await token(good);
    assert.deepEqual([silent.scopes, silent.issuedScope], [['data-service:read', 'data-service:write'], undefined]);
    assert.deepEqual((await token({ ...good, scope: '' })).scopes, [], 'an empty scope is none');
  });

  it('C-226 shows its value to nobody who does not ask for it by name', async () => {
    const canary = await token({ ...good, access_token: 'canary-token' });
    assert.equal(canary.reveal(), 'canary-token');
    const shown = [
      inspect(canary, { showHidden: true, getters: true, depth: 9 }),
      inspect({ nested: canary }, { showHidden: true, customInspect: false }),
      JSON.stringify({ canary }),
      `${canary.toString()}${String(canary)}`,
      JSON.stringify(Object.entries(canary)),
    ];
    for (const text of shown) assert.ok(!text.includes('canary-token'), text);
  });
});
