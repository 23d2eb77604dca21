/** A real Keycloak as another issuer beside our authority: its tokens are exchanged here, and a sidecar tells whose a token is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createFetchedJwks, httpJwksLoader } from '@sidegate/sdk';
import { decodeJwt } from 'jose';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { createHttpClient } from '../../packages/sidegate/src/net/http-client.ts';
import { freePort } from '../support/free-port.ts';
import {
  endpointUrl,
  requestToken,
  startIdentityProvider,
  systemClock,
  type TestIdentityProvider,
} from '../support/identity-provider.ts';
import { startIngress } from '../support/ingress.ts';
import { audienceMapper } from '../support/realms.ts';
import { SCHEDULE } from '../support/workload-authority.ts';
import { withoutKeycloak } from './keycloak-dist.ts';
import { type Keycloak, startKeycloak } from './keycloak-server.ts';

const SECRET = 'canary-partner-secret';
const GATEWAY = 'canary-gateway-secret';
const ADMIN = 'canary-admin-password';

const mapper = (audience: string) => ({ ...audienceMapper(audience), protocol: 'openid-connect' });
const partnerClient = (clientId: string, audience: string) => ({
  clientId,
  secret: SECRET,
  protocol: 'openid-connect',
  serviceAccountsEnabled: true,
  protocolMappers: [mapper(audience)],
  defaultClientScopes: ['basic', 'orders:read'],
  attributes: { 'access.token.header.type.rfc9068': 'true' },
});

/** As Keycloak imports it. */
const PARTNER = {
  realm: 'partner',
  enabled: true,
  sslRequired: 'none',
  accessTokenLifespan: 300,
  clientScopes: [
    { name: 'orders:read', protocol: 'openid-connect', attributes: { 'include.in.token.scope': 'true' } },
    {
      name: 'basic',
      protocol: 'openid-connect',
      attributes: { 'include.in.token.scope': 'false' },
      protocolMappers: [
        {
          name: 'sub',
          protocol: 'openid-connect',
          protocolMapper: 'oidc-sub-mapper',
          config: { 'access.token.claim': 'true', 'introspection.token.claim': 'true' },
        },
      ],
    },
  ],
  clients: [partnerClient('partner-app', 'gateway'), partnerClient('other-app', 'somebody-else')],
};

const services = (issuer: string): KeycloakRealm => ({
  realm: 'services',
  identityProviders: [
    {
      alias: 'partner',
      config: { issuer, jwksUrl: `${issuer}/protocol/openid-connect/certs`, 'sidegate.token_exchange': 'true' },
    },
  ],
  clientScopes: [{ name: 'orders:read', protocolMappers: [audienceMapper('orders')] }],
  clients: [
    {
      clientId: 'gateway',
      secret: GATEWAY,
      serviceAccountsEnabled: true,
      defaultClientScopes: ['orders:read'],
      attributes: { 'standard.token.exchange.enabled': 'true' },
    },
  ],
});

describe('a real Keycloak beside our authority', { skip: withoutKeycloak() }, () => {
  const stack = new AsyncDisposableStack();
  let keycloak: Keycloak;
  let authority: TestIdentityProvider;
  let issuer: string;
  before(async () => {
    const realms = mkdtempSync(path.join(tmpdir(), 'sidegate-partner-'));
    stack.defer(() => rmSync(realms, { recursive: true, force: true }));
    writeFileSync(path.join(realms, 'partner.json'), JSON.stringify(PARTNER));
    keycloak = stack.use(
      await startKeycloak({
        command: ['start-dev', '--import-realm'],
        env: { KEYCLOAK_ADMIN: 'admin', KEYCLOAK_ADMIN_PASSWORD: ADMIN, KC_HEALTH_ENABLED: 'false' },
        realms,
      }),
    );
    issuer = `http://127.0.0.1:${keycloak.httpPort}/realms/partner`;
    const http = createHttpClient({ connectTo: new Map() });
    stack.defer(() => http.close());
    const port = await freePort();
    authority = stack.use(
      await startIdentityProvider({
        realms: [services(issuer)],
        port,
        publicUrl: `http://127.0.0.1:${port}`,
        algorithms: ['ES256'],
        fetchKeys: (url) => {
          const ports = { clock: systemClock, schedule: SCHEDULE, random: Math.random };
          const keys = createFetchedJwks({ load: httpJwksLoader(http.send, url), ...ports });
          stack.defer(() => keys.close());
          return keys;
        },
      }),
    );
  });
  after(() => stack[Symbol.asyncDispose]());

  async function partnerToken(client = 'partner-app'): Promise<string> {
    const form = { grant_type: 'client_credentials', client_id: client, client_secret: SECRET };
    const answer = await fetch(`${issuer}/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    assert.ok(token !== undefined, String(answer.status));
    return token;
  }

  async function exchange(subject: string, more: Readonly<Record<string, string>> = {}) {
    const answer = await requestToken(authority, 'services', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: 'gateway',
      client_secret: GATEWAY,
      subject_token: subject,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      ...more,
    });
    const body = (await answer.json()) as { access_token?: string; error?: string };
    return { status: answer.status, token: body.access_token ?? '', error: body.error };
  }

  test('what Keycloak made for somebody else, or somebody has changed, is not exchanged', async () => {
    const good = await partnerToken();
    const [header = '', payload = '', signature = ''] = good.split('.');
    const claims: object = { ...decodeJwt(good), sub: 'somebody' };
    const changed = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    assert.notEqual(changed, `${header}.${payload}.${signature}`);
    for (const token of [await partnerToken('other-app'), changed]) {
      assert.deepEqual(await exchange(token), { status: 400, token: '', error: 'invalid_request' });
    }
    assert.equal((await exchange(good, { scope: 'orders:read orders:create' })).error, 'invalid_scope');
  });

  test('a token of Keycloak is exchanged for one of ours: its subject and scope, our audience, and who exchanged it', async () => {
    const subject = await partnerToken();
    const { status, token, error } = await exchange(subject);
    assert.equal(status, 200, String(error));
    const [theirs, now] = [decodeJwt(subject), decodeJwt(token)];
    assert.deepEqual(
      [now.iss, now.sub, now.aud, now['scope']],
      [`${authority.url}/realms/services`, theirs.sub, 'orders', 'orders:read'],
    );
    assert.equal((now['act'] as { sub?: string } | undefined)?.sub, 'service-account-gateway');
    assert.ok((now.exp ?? Number.POSITIVE_INFINITY) <= (theirs.exp ?? 0));
    assert.equal(now['realm_access'], undefined, 'roles of another realm mean nothing here');
  });

  test('a sidecar takes the tokens of the issuers that it knows, whichever of both that is, and no others', async () => {
    const theirs = { issuer, audience: 'gateway', certs: `${issuer}/protocol/openid-connect/certs` };
    const ours = {
      issuer: `${authority.url}/realms/services`,
      audience: 'orders',
      certs: endpointUrl(authority, 'services', 'certs'),
    };
    const tokens = { theirs: await partnerToken(), ours: (await exchange(await partnerToken())).token };
    const outcomes = async (...known: readonly (typeof theirs)[]) => {
      const issuers = known.map(({ issuer: iss, audience, certs }, index) => {
        return `{ name: issuer-${index}, issuer: "${iss}", audience: ${audience}, jwks_url: "${certs}" }`;
      });
      await using ingress = await startIngress({ jwt: `  issuers: [${issuers.join(', ')}]` });
      const ask = async (token: string) => {
        const { status, body } = await ingress.send({ headers: ['Authorization', `Bearer ${token}`] });
        return status === 200 ? 200 : (JSON.parse(body) as { code: string }).code;
      };
      return [await ask(tokens.theirs), await ask(tokens.ours)];
    };
    assert.deepEqual(await outcomes(theirs), [200, 'token_issuer_mismatch']);
    assert.deepEqual(await outcomes(ours), ['token_issuer_mismatch', 200]);
    assert.deepEqual(await outcomes(theirs, ours), [200, 200]);
    // Who signs for one of them does not sign for the other.
    const crossed = { ...theirs, certs: ours.certs };
    assert.deepEqual(await outcomes(crossed), ['token_key_not_found', 'token_issuer_mismatch']);
  });
});
