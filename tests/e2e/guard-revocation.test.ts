/** A guard inside a service follows what an authority revokes, as sidecars do: the same stream, the same refusals, the same two settings. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import {
  type Authenticator,
  allOf,
  bearer,
  type FollowedRevocations,
  type FollowRevocationsOptions,
  followRevocations,
  identityFromPem,
  mutualTls,
  serviceAuth,
} from '@sidegate/sdk/server';
import { startExpress } from '../support/frameworks/express.ts';
import type { ServiceRoute } from '../support/frameworks/guarded-service.ts';
import { startKeptAuthority } from '../support/kept-authority.ts';
import {
  ISSUER,
  issueSidecar,
  ORDER_ID,
  OTHER_ID,
  type RevokingAuthority,
  startRevokingAuthority,
} from '../support/revoking-authority.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';

const svids = createSigningKey('ES256', 'svid-1');

interface Followed {
  readonly revocations: FollowedRevocations;
  readonly troubles: readonly (string | undefined)[];
}

async function follow(
  { ca, jwks, port }: RevokingAuthority,
  options: Partial<FollowRevocationsOptions> = {},
): Promise<Followed & { readonly keys: ReturnType<typeof createPushedJwks> }> {
  const own = issueSidecar(ca);
  const keys = createPushedJwks(Buffer.from(await (await fetch(`${jwks.origin}/certs`)).arrayBuffer()));
  const troubles: (string | undefined)[] = [];
  const revocations = followRevocations({
    sources: [{ issuer: { issuer: ISSUER, keys }, eventsUrl: `https://localhost:${port}/realms/services/events` }],
    identity: identityFromPem({ cert: own.certPem, key: own.keyPem, ca: ca.certPem }),
    onChange: (_issuer, trouble) => troubles.push(trouble),
    ...options,
  });
  return { revocations, troubles, keys };
}

type Proofs = 'token' | 'certificate' | 'both';

/** data-service over mutual TLS, whose guard wants a token, a listed certificate or both. */
async function startService(
  authority: RevokingAuthority,
  wanted: Proofs,
  { revocations, keys }: Awaited<ReturnType<typeof follow>>,
) {
  const { ca } = authority;
  const tokens = bearer({
    issuers: [{ issuer: ISSUER, keys }],
    trustDomains: [
      {
        trustDomain: 'example.org',
        audiences: ['data-service'],
        keys: createPushedJwks(keySetBytes(svids.jwk({ use: 'jwt-svid' })), 'jwt-svid'),
      },
    ],
    audience: 'data-service',
    revocations,
  });
  const peers = mutualTls({
    allowedClients: [ORDER_ID, OTHER_ID],
    identities: new Map([[ORDER_ID, { clientId: 'order-service', issuer: ISSUER, mayForward: [] }]]),
    revocations,
  });
  const authenticator: Authenticator = { token: tokens, certificate: peers, both: allOf(peers, tokens) }[wanted];
  const auth = serviceAuth({ service: 'data-service', authenticator });
  const handle = () => ({ status: 200, body: {} });
  const route: ServiceRoute = { method: 'GET', path: '/', rule: (guards) => guards.requireAuth(), handle };
  const server = ca.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  const started = await startExpress({
    auth,
    routes: [route],
    tls: { key: server.keyPem, cert: server.certPem, ca: ca.certPem },
  });
  const clients = { order: ca.issue({ uris: [ORDER_ID] }), other: ca.issue({ uris: [OTHER_ID] }) };
  const outcome = async (token: string | undefined, client: keyof typeof clients = 'order') => {
    const { certPem: cert, keyPem: key } = clients[client];
    const tls = { ca: ca.certPem, servername: 'localhost', cert, key };
    const headers = token === undefined ? [] : ['Authorization', `Bearer ${token}`];
    const { status, body, headers: answered } = await sendRequest({ port: started.port, tls }, { headers });
    if (status === 200) return status;
    assert.equal(answered['www-authenticate'], status === 401 ? 'Bearer error="invalid_token"' : undefined);
    return (JSON.parse(body) as { readonly code: string }).code;
  };
  return {
    outcome,
    becomes: async (expected: string | number, token?: string, client?: keyof typeof clients) => {
      const begun = performance.now();
      let last: string | number | undefined;
      await until(async () => (last = await outcome(token, client)) === expected, 5_000);
      assert.equal(last, expected);
      return performance.now() - begun;
    },
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      auth.close();
    },
  };
}

const jtiOf = (token: string): string => {
  const [, payload = ''] = token.split('.');
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly jti: string }).jti;
};
const svid = (sub: string): string => {
  const iat = Math.floor(Date.now() / 1000);
  return mint({ sub, aud: 'data-service', iat, exp: iat + 300 }, { key: svids, header: { typ: 'JWT' } });
};

type Row = readonly [
  what: string,
  wanted: Proofs,
  shown: 'token' | 'svid' | 'nothing',
  selector: (token: string) => Readonly<Record<string, string>>,
  code: 'token_revoked' | 'peer_revoked',
];
const ROWS: readonly Row[] = [
  ['a token', 'token', 'token', (token) => ({ token }), 'token_revoked'],
  ['a jti', 'token', 'token', (token) => ({ jti: jtiOf(token) }), 'token_revoked'],
  ['the client of a token', 'token', 'token', () => ({ client: 'order-service' }), 'token_revoked'],
  ['the subject of a token', 'token', 'token', () => ({ subject: 'id-of-order-service' }), 'token_revoked'],
  ['the SPIFFE ID of a JWT-SVID', 'token', 'svid', () => ({ spiffe_id: ORDER_ID }), 'token_revoked'],
  ['the SPIFFE ID of a certificate', 'certificate', 'nothing', () => ({ spiffe_id: ORDER_ID }), 'peer_revoked'],
  ['the client of a certificate', 'certificate', 'nothing', () => ({ client: 'order-service' }), 'peer_revoked'],
  ['the SPIFFE ID of a certificate beside a token', 'both', 'token', () => ({ spiffe_id: ORDER_ID }), 'peer_revoked'],
  ['a token beside a certificate', 'both', 'token', (token) => ({ token }), 'token_revoked'],
];

describe('a guard that follows an authority', () => {
  for (const [what, wanted, shown, selector, code] of ROWS) {
    test(`refuses ${what} within two seconds of its revocation, and accepts it when that is lifted`, async () => {
      await using authority = await startRevokingAuthority();
      const followed = await follow(authority);
      await using service = await startService(authority, wanted, followed);
      await followed.revocations.known;
      const token = shown === 'svid' ? svid(ORDER_ID) : await authority.token();
      const sent = shown === 'nothing' ? undefined : token;
      assert.equal(await service.outcome(sent), 200);
      assert.equal((await authority.revoke(selector(token))).status, 200);
      assert.ok((await service.becomes(code, sent)) < 2_000);
      assert.equal((await authority.lift(selector(token))).status, 200);
      await service.becomes(200, sent);
    });
  }

  test('goes on serving everybody else', async () => {
    await using authority = await startRevokingAuthority();
    const followed = await follow(authority);
    await using service = await startService(authority, 'token', followed);
    await followed.revocations.known;
    const [revoked, good] = [await authority.token(), await authority.token()];
    await authority.revoke({ token: revoked });
    await service.becomes('token_revoked', revoked);
    assert.deepEqual([await service.outcome(good), await service.outcome(svid(ORDER_ID))], [200, 200]);
    await authority.revoke({ spiffe_id: ORDER_ID });
    await service.becomes('token_revoked', svid(ORDER_ID));
    assert.deepEqual([await service.outcome(svid(OTHER_ID)), await service.outcome(good)], [200, 200]);
  });

  for (const [onUnavailable, good] of [
    ['refuse', 'revocations_unavailable'],
    ['serve', 200],
  ] as const) {
    test(`with onUnavailable ${onUnavailable} says what happens before it was heard and once it is away for longer than maxGapMs`, async () => {
      await using authority = await startKeptAuthority();
      const [token, revoked] = [await authority.token(), await authority.token()];
      await authority.revoke({ token: revoked });
      await authority.stop();
      const followed = await follow(authority, { onUnavailable, maxGapMs: 500 });
      const { troubles } = followed;
      await using service = await startService(authority, 'token', followed);
      await using mesh = await startService(authority, 'certificate', followed);
      await until(() => troubles.length > 0);
      assert.equal(await service.outcome(token), good, 'before it was heard');
      assert.equal(await mesh.outcome(undefined), good);
      await authority.start();
      await followed.revocations.known;
      assert.deepEqual([await service.outcome(token), await service.outcome(revoked)], [200, 'token_revoked']);
      await authority.stop();
      await until(() => troubles.at(-1) === 'what is revoked is not known any more', 10_000);
      assert.equal(followed.revocations.states().at(0)?.available, false);
      assert.equal(await service.outcome(token), good, 'once it is away');
      assert.equal(await service.outcome(revoked), onUnavailable === 'serve' ? 'token_revoked' : good);
      await authority.start();
      await until(() => troubles.at(-1) === undefined);
      assert.deepEqual([await service.outcome(token), await service.outcome(revoked)], [200, 'token_revoked']);
    });
  }

  test('believes no events that another key has signed', async () => {
    await using authority = await startRevokingAuthority();
    const stranger = createPushedJwks(keySetBytes(createSigningKey('ES256', 'k').jwk()));
    const eventsUrl = `https://localhost:${authority.port}/realms/services/events`;
    const followed = await follow(authority, {
      sources: [{ issuer: { issuer: ISSUER, keys: stranger }, eventsUrl }],
    });
    await using service = await startService(authority, 'token', followed);
    await until(() => followed.troubles.length > 0);
    assert.equal(await service.outcome(await authority.token()), 'revocations_unavailable');
  });

  test('lets nobody in any more when it has stopped following', async () => {
    await using authority = await startRevokingAuthority();
    const followed = await follow(authority, { onUnavailable: 'serve' });
    await using service = await startService(authority, 'token', followed);
    await followed.revocations.known;
    const token = await authority.token();
    assert.equal(await service.outcome(token), 200);
    followed.revocations.close();
    assert.equal(await service.outcome(token), 'revocations_unavailable');
  });

  test('is not made without a source, or of one that is not https', async () => {
    const identity = { current: () => Promise.reject(new Error('none')) };
    for (const sources of [[], [{ issuer: 'http://authority.example.com/realms/services' }]]) {
      assert.throws(() => followRevocations({ sources, identity }), RangeError);
    }
  });
});
