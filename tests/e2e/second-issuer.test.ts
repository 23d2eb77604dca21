/** oidc-provider as a second issuer beside our authority: one sidecar takes the tokens of both, each by its own keys alone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { authorityFolder } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { startHttpApp } from '../support/http-app.ts';
import { OIDC_SECRET, startOidcProvider } from '../support/oidc-provider.ts';
import { ORDER_SECRET } from '../support/realms.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { createSigningKey, mint } from '../support/tokens.ts';
import { sendRequest } from '../support/wire.ts';

async function requestToken(url: string, secret: string): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    client_id: 'order-service',
    client_secret: secret,
    scope: 'data-service:read',
  };
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  assert.ok(token, `${response.status}`);
  return token;
}

describe('oidc-provider beside our authority', () => {
  const started = new AsyncDisposableStack();
  let sidecar: TestSidecar;
  let ours = '';
  let theirs = '';
  before(async () => {
    const provider = started.use(await startOidcProvider());
    const port = await freePort();
    const authority = `http://127.0.0.1:${port}`;
    const folder = started.use(await authorityFolder({ baseUrl: authority }));
    started.use(await folder.start('--addr', `127.0.0.1:${port}`));
    const app = started.use(await startHttpApp());
    sidecar = started.use(
      await startTestSidecar({
        files: {},
        yaml: `
http: { addr: 127.0.0.1:0 }
jwt:
  issuers:
    - { name: ours, issuer: "${authority}/realms/services", audience: data-service }
    - { name: theirs, issuer: "${provider.issuer}", audience: data-service }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app.port}" }
  authz: { enabled: false }
`,
      }),
    );
    await sidecar.ready;
    ours = await requestToken(`${authority}/realms/services/protocol/openid-connect/token`, ORDER_SECRET);
    theirs = await requestToken(`${provider.issuer}/token`, OIDC_SECRET);
  });
  after(() => started.disposeAsync());

  const send = (token: string) =>
    sendRequest({ port: sidecar.ingressPort }, { target: '/stock', headers: ['Authorization', `Bearer ${token}`] });

  test('a token of either is accepted, by keys that its own metadata names', async () => {
    assert.notEqual(decodeJwt(ours).iss, decodeJwt(theirs).iss);
    assert.deepEqual([decodeJwt(ours).client_id, decodeJwt(theirs).client_id], ['order-service', 'order-service']);
    assert.deepEqual([(await send(ours)).status, (await send(theirs)).status], [200, 200]);
  });

  test('what one of them claims and somebody else has signed is refused, whatever kid it names', async () => {
    for (const token of [ours, theirs]) {
      const { alg = '', kid = '' } = decodeProtectedHeader(token);
      const forger = createSigningKey(alg === 'RS256' ? 'RS256' : 'ES256', kid);
      assert.equal((await send(mint(decodeJwt(token), { key: forger }))).status, 401);
    }
    const [ownHeader] = ours.split('.');
    const [, theirClaims, theirSignature] = theirs.split('.');
    assert.equal((await send([ownHeader, theirClaims, theirSignature].join('.'))).status, 401);
  });
});
