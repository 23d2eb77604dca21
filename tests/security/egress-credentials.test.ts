/** Corpus H, 213 to 218: whose credentials leave, to whom, and what an identity provider may make of them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { startHttpApp } from '../support/http-app.ts';
import type { TokenAnswer } from '../support/token-endpoint.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { encode } from '../support/tokens.ts';
import { type EgressSidecar, granted, issueServer, SECRET, startEgress, TOKEN } from './egress-sidecar.ts';

let egress: EgressSidecar;
before(async () => {
  egress = await startEgress();
});
after(() => egress[Symbol.asyncDispose]());
beforeEach(() => {
  egress.issuer.answer = granted;
});

describe('an answer that points elsewhere', () => {
  for (const status of [300, 301, 302, 303, 307, 308]) {
    test(`C-213 ${status} is handed on, never followed with our credentials`, async () => {
      const zone = createTestAuthority('zone3-CA');
      const server = issueServer(zone, ['data.zone3.local', 'evil.example']);
      const tls = { cert: server.certPem, key: server.keyPem, ca: zone.certPem };
      await using elsewhere = await startHttpApp(undefined, tls);
      const location = `https://evil.example:8443/x`;
      await using data = await startHttpApp(
        (_request, response) => response.writeHead(status, { location }).end(),
        tls,
      );
      const dialled = { 'data.zone3.local:8443': data.port, 'evil.example:8443': elsewhere.port };
      await using redirected = await startEgress({ zone, dialled });
      const answer = await redirected.send({ target: '/data/x' });
      assert.deepEqual([answer.status, answer.headers['location']], [status, location]);
      assert.deepEqual([data.seen.length, elsewhere.seen, redirected.lookups], [1, [], []]);
    });
  }
});

describe('what the application says it is', () => {
  const FORGED =
    `Authorization authorization AUTHORIZATION Proxy-Authorization Cookie X-Forwarded-Client-Cert Client-Cert
    X-SSL-Client-Cert X-User-ID X-Forwarded-For Forwarded X-Real-IP X-Auth-Request-User Remote-User
    X-Envoy-Peer-Metadata X-Original-URL X-HTTP-Method-Override Early-Data`.split(/\s+/);
  for (const name of FORGED) {
    test(`C-214 ${name} does not leave as it was sent`, async () => {
      for (const target of ['/data/x', '/open/x']) {
        const answer = await egress.send({ target, headers: [name, 'Bearer forged', name, 'Bearer again'] });
        assert.equal(answer.status, 200, answer.raw);
        const expected = /^authorization$/i.test(name) && target === '/data/x' ? [`Bearer ${TOKEN}`] : [];
        assert.deepEqual(egress.lastSeen().values(name), expected);
      }
    });
  }

  test('C-214 Connection takes none of our own fields away', async () => {
    const headers = ['Connection', 'close, X-Correlation-ID, traceparent'];
    assert.equal((await egress.send({ target: '/data/x', headers })).status, 200);
    const seen = egress.lastSeen();
    assert.deepEqual(
      [seen.values('x-correlation-id').length, seen.values('traceparent').length, seen.values('authorization')],
      [1, 1, [`Bearer ${TOKEN}`]],
    );
    for (const name of ['authorization', 'host', 'content-length', 'x-forwarded-client-cert', 'cookie']) {
      await egress.refused('connection_option_forbidden', () =>
        egress.send({ target: '/data/x', headers: ['Connection', `close, ${name}`] }),
      );
    }
  });

  test("C-218 a user's token is not forwarded to a target with a token of its own, wherever it is", async () => {
    const user = `${encode(JSON.stringify({ alg: 'ES256' }))}.${encode(JSON.stringify({ sub: 'user-123' }))}.${'A'.repeat(86)}`;
    const headers = [
      'Authorization',
      `Bearer ${user}`,
      'Cookie',
      `session=${user}`,
      'Proxy-Authorization',
      `Bearer ${user}`,
    ];
    for (const target of ['/data/x', '/open/x']) {
      assert.equal((await egress.send({ target, headers })).status, 200);
      assert.ok(!JSON.stringify(egress.data.seen.at(-1)).includes(user));
    }
    assert.ok(!JSON.stringify(egress.sidecar.audit).includes(user) && !egress.sidecar.log().includes(user));
  });
});

const bearer = (access_token: unknown, more: Readonly<Record<string, unknown>> = {}): TokenAnswer => ({
  body: { access_token, token_type: 'Bearer', ...more },
});

describe('an identity provider that gives no usable token', () => {
  const BAD: readonly (readonly [title: string, answer: TokenAnswer])[] = [
    ...['a\r\nX: y', 'a\nb', 'a\rb', 'a b', ' a', 'a\tb', 'a\0b', 'ren\u00e9', 'a\u2028b', 'a,b', '"a"', ''].map(
      (text) => [`the token ${JSON.stringify(text)}`, bearer(text)] as const,
    ),
    ...[undefined, null, 1, true, {}, ['a'], { token: 'a' }].map(
      (value) => [`a token that is ${JSON.stringify(value)}`, bearer(value)] as const,
    ),
    ...['mac', 'DPoP', 'N_A', '', null, 1, undefined, ['Bearer'], 'Bearer '].map(
      (type) => [`token_type ${JSON.stringify(type)}`, bearer('a', { token_type: type })] as const,
    ),
    ['one megabyte', bearer('a'.repeat(1_048_576))],
    ['a token of 16 KB', bearer('a'.repeat(16_384))],
    ['one megabyte beside the token', bearer('a', { note: 'a'.repeat(1_048_576) })],
    ['HTML', { body: '<html>' }],
    ['nothing', { body: '' }],
    ['a list', { body: [bearer('a')] }],
    ['null', { body: 'null' }],
    ['the token twice', { body: '{"access_token":"a","access_token":"b","token_type":"Bearer"}' }],
    ['deep nesting', { body: `{"access_token":"a","token_type":"Bearer","x":${'['.repeat(5_000)}` }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
    ['204', { status: 204, body: '' }],
    ['206', { status: 206, body: { access_token: 'a', token_type: 'Bearer' } }],
    ['a refusal that names the secret', { status: 401, body: { error: 'invalid_client', error_description: SECRET } }],
  ];
  for (const [title, answer] of BAD) {
    test(`C-215 ${title} is idp_bad_response, and nothing is sent`, async () => {
      await using fresh = await startEgress();
      fresh.issuer.answer = () => answer;
      await fresh.refused('idp_bad_response', () => fresh.send({ target: '/data/x' }), [SECRET]);
    });
  }
});

describe('how long a token is used', () => {
  const NOW = Math.floor(Date.now() / 1000);
  const jwt = (claims: Readonly<Record<string, unknown>>): string =>
    `${encode(JSON.stringify({ alg: 'ES256' }))}.${encode(JSON.stringify(claims))}.${'A'.repeat(86)}`;

  /** How often a token was asked for in requests at these moments, seconds apart from the first. */
  async function askedAt(answer: (now: number) => TokenAnswer, moments: readonly number[]): Promise<number[]> {
    let second = 0;
    const clock = { now: () => (NOW + second) * 1000, monotonic: () => second * 1000 };
    await using timed = await startEgress({ clock });
    timed.issuer.answer = () => answer(NOW + second);
    const asked: number[] = [];
    for (const moment of moments) {
      second = moment;
      const { status } = await timed.send({ target: '/data/x' });
      assert.equal(status, 200);
      asked.push(timed.issuer.requests.length);
    }
    return asked;
  }

  const INVALID = [
    undefined,
    null,
    -1,
    0,
    '300',
    'soon',
    true,
    {},
    [300],
    1.5,
    Number.POSITIVE_INFINITY,
    Number.MAX_SAFE_INTEGER,
    NOW + 300,
  ];
  for (const value of INVALID) {
    test(`C-216 expires_in ${JSON.stringify(value)} of an opaque token: at most 60 s`, async () => {
      const [first, last] = await askedAt(() => bearer('opaque', { expires_in: value }), [0, 61]);
      assert.deepEqual([first, last], [1, 2]);
    });
  }

  test('C-216 without expires_in, exp of the token counts', async () => {
    const answer = (now: number): TokenAnswer => bearer(jwt({ exp: now + 200 }));
    assert.deepEqual(await askedAt(answer, [0, 100, 201]), [1, 1, 2]);
  });

  for (const exp of [undefined, null, String(NOW + 300), [NOW + 300], {}, true]) {
    test(`C-216 without expires_in and with exp ${JSON.stringify(exp)}: at most 60 s`, async () => {
      const [first, last] = await askedAt(() => bearer(jwt({ exp })), [0, 61]);
      assert.deepEqual([first, last], [1, 2]);
    });
  }
});

describe('tokens that must not be mixed up', () => {
  test('C-217 issuer, client, audience, scopes, resource and TLS identity each make another token', async () => {
    const zone = createTestAuthority('zone3-CA');
    const other = zone.issue({ subject: [{ CN: 'other-client' }], uris: ['spiffe://example.org/other'] });
    let made = 0;
    const numbered = (): TokenAnswer => bearer(`token-${(made += 1)}`, { expires_in: 300 });
    await using second = await startTokenEndpoint(numbered);
    const target = (auth: string, tls: string = '*tls'): string => {
      const own = `type: oauth2_client_credentials, token_url: "\${TOKEN_URL}", client_id: order-service, client_secret: "\${SECRET}"`;
      return `{ url: "https://data.zone3.local:8443", auth: { ${auth.replace('OWN', own)} }, tls: ${tls} }`;
    };
    const oauth = 'type: oauth2_client_credentials, scopes: ["data:read"]';
    const variants = {
      issuer: target(`${oauth}, token_url: "\${SECOND}", client_id: order-service, client_secret: "\${SECRET}"`),
      client: target(`${oauth}, token_url: "\${TOKEN_URL}", client_id: other, client_secret: "\${SECRET}"`),
      secret: target(
        `${oauth}, token_url: "\${TOKEN_URL}", client_id: order-service, client_secret: "\${OTHER_SECRET}"`,
      ),
      audience: target('OWN, scopes: ["data:read"], audience: other'),
      resource: target('OWN, scopes: ["data:read"], resource: "https://other.example"'),
      scopes: target('OWN, scopes: ["data:read", "data:write"]'),
      unscoped: target('OWN'),
      identity: target(
        'OWN, scopes: ["data:read"]',
        '{ enabled: true, client_cert: /other.crt, client_key: /other.key, ca_cert: /ca.crt }',
      ),
    };
    const names = Object.keys(variants);
    await using mixed = await startEgress({
      zone,
      targets: Object.entries(variants)
        .map(([name, yaml]) => `    ${name}: ${yaml}`)
        .join('\n'),
      routes: names.map((name) => `    - { path_prefix: /${name}, target: ${name} }`).join('\n'),
      files: { '/other.crt': other.certPem, '/other.key': other.keyPem },
      env: { SECOND: second.url, OTHER_SECRET: 'another-secret' },
    });
    mixed.issuer.answer = numbered;
    const tokenOf = async (name: string): Promise<string> => {
      assert.equal((await mixed.send({ target: `/${name}/x` })).status, 200);
      return mixed.lastSeen().values('authorization').join();
    };
    const first = new Map<string, string>();
    for (const name of ['data', ...names]) first.set(name, await tokenOf(name));
    assert.equal(new Set(first.values()).size, names.length + 1, JSON.stringify([...first]));
    for (const name of ['data', ...names].reverse()) assert.equal(await tokenOf(name), first.get(name));
    assert.equal(second.requests.length, 1);
  });
});
