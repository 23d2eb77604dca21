/** Tokens that are bound to a key, from the client that asks for them to the guard that takes them: ours at both ends, and beside libraries of others. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createDpopNonces, createFetchedJwks, httpJwksLoader, type JsonObject, systemRuntime } from '@sidegate/sdk';
import { oauthClient, runWithContext, serviceClient } from '@sidegate/sdk/client';
import { expressGuards } from '@sidegate/sdk/express';
import { bearer, serviceAuth } from '@sidegate/sdk/server';
import express from 'express';
import * as oauth from 'oauth4webapi';
import { type BridgedRealms, SERVICES, startBridgedRealms } from '../support/bridged-realms.ts';
import { startCalledService } from '../support/called-service.ts';
import { OIDC_SECRET, startOidcProvider } from '../support/oidc-provider.ts';

const PUBLIC = 'https://keycloak.example.com';
const TOKEN_URL = `${SERVICES}/protocol/openid-connect/token`;
const system = systemRuntime();
const nonces = () => createDpopNonces({ secret: randomBytes(32), clock: system.clock });

let realms: BridgedRealms;
/** What the token endpoint was asked, and answered. */
const asked: { readonly proof: string | undefined; readonly status: number }[] = [];
/** The issuer is known by its public name, and listens elsewhere. */
const runtime: typeof system = {
  ...system,
  http: async (request) => {
    const answer = await system.http({ ...request, url: request.url.replace(PUBLIC, realms.provider.url) });
    if (request.url === TOKEN_URL) asked.push({ proof: request.headers['dpop'], status: answer.status });
    return answer;
  },
};

let orders: Awaited<ReturnType<typeof startOrders>>;
before(async () => {
  realms = await startBridgedRealms({ nonces: nonces() });
  orders = await startOrders();
});
after(async () => {
  await orders[Symbol.asyncDispose]();
  await realms[Symbol.asyncDispose]();
});

/** order-service in Express: a guard that asks for nonces, and a handler that says who called. */
async function startOrders() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const load = httpJwksLoader(runtime.http, `${SERVICES}/protocol/openid-connect/certs`);
  const authenticator = bearer({
    issuers: [{ issuer: SERVICES, keys: createFetchedJwks({ load, ...runtime }) }],
    audience: 'order-service',
    dpop: { origins: [url], nonces: nonces() },
  });
  const auth = serviceAuth({ service: 'order-service', authenticator });
  const guards = expressGuards(auth);
  const app = express();
  app.post('/orders', guards.requireAuth({ scopes: ['orders:read'] }), ({ principal }, response) => {
    const { claims, proofs } = principal ?? {};
    response.json({ subject: claims?.['sub'], client: claims?.['client_id'] ?? claims?.['azp'], proofs });
  });
  guards.requireRules(app);
  server.on('request', app);
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      auth.close();
    },
  };
}

type Who = JsonObject & {
  readonly subject: string;
  readonly client: string;
  readonly proofs: readonly string[];
};

const registration = () =>
  oauthClient({
    tokenUrl: TOKEN_URL,
    clientId: 'api-gateway',
    authentication: { method: 'client_secret_basic', secret: { reveal: () => 'canary-api-gateway' } },
    dpop: true,
    runtime,
  });

describe('a bound token, from the authority to a guard', () => {
  test('is asked for and shown with proofs, each with the nonce of who wants it, and worth nothing to whoever finds it', async () => {
    asked.length = 0;
    let seen = '';
    const gateway = registration();
    const credentials = gateway.clientCredentials({ scopes: ['orders:read'] });
    const watched = {
      ...credentials,
      authorize: async (request: Parameters<typeof credentials.authorize>[0]) => {
        const proof = await credentials.authorize(request);
        seen = proof['authorization'] ?? '';
        return proof;
      },
    };
    const client = serviceClient({ target: orders.url, credentials: watched, development: true });
    for (const _ of [1, 2]) {
      const { client: caller, proofs } = (await client.json('/orders', { method: 'POST', body: '{}' })) as Who;
      assert.deepEqual([caller, proofs], ['api-gateway', ['dpop']]);
    }
    assert.deepEqual(
      asked.map(({ status }) => status),
      [400, 200],
      'one nonce, one token',
    );
    assert.equal(new Set(asked.map(({ proof }) => proof)).size, 2);
    const stolen = seen.replace(/^DPoP /, 'Bearer ');
    const answer = await fetch(`${orders.url}/orders`, { method: 'POST', headers: { authorization: stolen } });
    assert.equal(((await answer.json()) as { readonly code: string }).code, 'token_binding_required');
    await client.close();
    await gateway.close();
  });

  test('is exchanged for that of a user with the same key', async () => {
    const gateway = registration();
    const credentials = gateway.tokenExchange({ scopes: ['orders:read'] });
    const client = serviceClient({ target: orders.url, credentials, development: true });
    const {
      subject,
      client: caller,
      proofs,
    } = (await runWithContext({ subjectToken: await realms.userToken() }, () =>
      client.json('/orders', { method: 'POST' }),
    )) as Who;
    assert.deepEqual([subject, caller, proofs], ['user-123', 'api-gateway', ['dpop']]);
    await gateway.close();
  });
});

/** oauth4webapi at the public address of the issuer. */
const transport = {
  [oauth.customFetch]: (url: string, options: object) => fetch(url.replace(PUBLIC, realms.provider.url), options),
};
const discovered = async (): Promise<oauth.AuthorizationServer> => {
  const issuer = new URL(SERVICES);
  return oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...transport }),
  );
};

describe('beside oauth4webapi and oidc-provider', () => {
  test('what our client sends is a bound token and its proof to oauth4webapi', async () => {
    const as = await discovered();
    await using service = await startCalledService();
    const gateway = registration();
    const credentials = gateway.clientCredentials({ scopes: ['orders:read'] });
    await serviceClient({ target: service.url, credentials, development: true }).fetch('/orders?page=2');
    const { headers: { authorization = '', dpop = '' } = {} } = service.calls.at(-1) ?? {};
    const request = (proof: string) =>
      new Request(`${service.url}/orders?page=2`, { headers: { authorization, dpop: proof } });
    const claims = await oauth.validateJwtAccessToken(as, request(String(dpop)), 'order-service', {
      requireDPoP: true,
      ...transport,
    });
    assert.equal(claims.client_id, 'api-gateway');
    const elsewhere = new Request(`${service.url}/other`, { headers: { authorization, dpop: String(dpop) } });
    await assert.rejects(
      oauth.validateJwtAccessToken(as, elsewhere, 'order-service', { requireDPoP: true, ...transport }),
    );
    await gateway.close();
  });

  test('what oauth4webapi sends is taken by our guard, whose challenge it understands', async () => {
    const as = await discovered();
    const client: oauth.Client = { client_id: 'api-gateway' };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const secret = oauth.ClientSecretBasic('canary-api-gateway');
    const ask = async () => {
      const options = { DPoP, ...transport };
      const answer = await oauth.clientCredentialsGrantRequest(as, client, secret, { scope: 'orders:read' }, options);
      return await oauth.processClientCredentialsResponse(as, client, answer);
    };
    const { access_token: token } = await ask().catch((error: unknown) => {
      assert.ok(oauth.isDPoPNonceError(error));
      return ask();
    });
    const call = () =>
      oauth.protectedResourceRequest(token, 'POST', new URL(`${orders.url}/orders`), undefined, null, {
        DPoP,
        [oauth.allowInsecureRequests]: true,
      });
    const refused: unknown = await call().catch((error: unknown) => error);
    assert.ok(oauth.isDPoPNonceError(refused), String(refused));
    assert.equal((await call()).status, 200);
  });

  test('oidc-provider binds the tokens of our client, and has its nonce', async () => {
    await using provider = await startOidcProvider({ nonces: true });
    await using service = await startCalledService();
    const statuses: number[] = [];
    const registered = oauthClient({
      tokenUrl: `${provider.issuer}/token`,
      clientId: 'order-service',
      authentication: { method: 'client_secret_post', secret: { reveal: () => OIDC_SECRET } },
      dpop: true,
      runtime: {
        ...system,
        http: async (request) => {
          const answer = await system.http(request);
          statuses.push(answer.status);
          return answer;
        },
      },
    });
    const credentials = registered.clientCredentials({ scopes: ['data-service:read'] });
    await serviceClient({ target: service.url, credentials, development: true }).fetch('/');
    assert.deepEqual(statuses, [400, 200]);
    const { headers: { authorization = '', dpop = '' } = {} } = service.calls.at(-1) ?? {};
    const { issuer } = provider;
    const keys = createFetchedJwks({ load: httpJwksLoader(system.http, `${issuer}/jwks`), ...system });
    const taken = bearer({ issuers: [{ issuer, keys }], audience: 'data-service', dpop: { origins: [service.url] } });
    const fields: Readonly<Record<string, readonly string[]>> = {
      authorization: [authorization],
      dpop: [String(dpop)],
    };
    const principal = await taken.authenticate({
      method: 'GET',
      target: '/',
      values: (name) => fields[name] ?? [],
      clientCertificate: undefined,
      remoteAddress: undefined,
      body: () => Promise.resolve(new Uint8Array()),
    });
    assert.deepEqual([principal.service?.name, principal.proofs], ['order-service', ['dpop']]);
    taken.close();
    await registered.close();
  });
});
