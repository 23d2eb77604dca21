/** Services that call each other over real connections, each with its own keys, whose public halves it publishes itself. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createFetchedJwks } from '../jwt/fetched-jwks.ts';
import { httpJwksLoader } from '../jwt/jwks-loader.ts';
import { asProblem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Principal } from '../server/principal.ts';
import type { ReceivedRequest } from '../server/received-request.ts';
import { serviceAuthError } from '../server/service-auth-error.ts';
import { serviceTokenAuthenticator } from './authenticator.ts';
import { serviceTokenCredentials } from './credentials.ts';
import { createServiceTokenIssuer } from './issue.ts';
import { readSigningKey } from './read-key.ts';
import { createServiceKeys, type ServiceKeys } from './service-keys.ts';
import { createServiceTokenValidator } from './validate.ts';

const runtime = systemRuntime();
const NAMES = ['checkout-service', 'order-service', 'inventory-service'] as const;
type Name = (typeof NAMES)[number];

interface Service {
  readonly origin: string;
  readonly keys: ServiceKeys;
  readonly accepted: { principal: Principal; authorization: string }[];
  close(): void;
}
const services = new Map<string, Service>();
const serviceOf = (name: Name): Service => services.get(name) as Service;

before(async () => {
  for (const name of NAMES) services.set(name, await startService(name));
});
after(() => {
  for (const service of services.values()) service.close();
});

/** Anybody's tokens are looked at; only those of the service before it in the chain may call. */
async function startService(name: Name): Promise<Service> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = readSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), `${name}-1`);
  const keys = createServiceKeys({ service: name, keys: [{ ...key, signsFrom: 0 }] }, runtime);
  const accepted: Service['accepted'] = [];
  const server = createServer((incoming, response) => {
    if (incoming.url === '/.well-known/jwks.json') {
      response.end(JSON.stringify(keys.jwks()));
      return;
    }
    void Promise.resolve(authenticator().authenticate(received(incoming))).then(
      (principal) => {
        accepted.push({ principal, authorization: incoming.headers.authorization ?? '' });
        response.end('done');
      },
      (error: unknown) => {
        const problem = asProblem(error);
        response.writeHead(problem.row.status).end(JSON.stringify({ error: serviceAuthError(problem) }));
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let made: ReturnType<typeof serviceTokenAuthenticator> | undefined;
  const authenticator = () => {
    made ??= serviceTokenAuthenticator({
      validator: createServiceTokenValidator(
        { issuers: Object.fromEntries(NAMES.map((issuer) => [issuer, fetchedKeys(issuer)])) },
        runtime,
      ),
      expectedAudience: name,
      allowedIssuers: [NAMES[NAMES.indexOf(name) - 1] ?? 'nobody'],
    });
    return made;
  };
  return {
    origin,
    keys,
    accepted,
    close() {
      made?.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function fetchedKeys(issuer: Name) {
  const load = httpJwksLoader(runtime.http, `${serviceOf(issuer).origin}/.well-known/jwks.json`);
  return createFetchedJwks({ load, ...runtime });
}

function received(incoming: IncomingMessage): ReceivedRequest {
  return {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    values: (name) => incoming.headersDistinct[name] ?? [],
    clientCertificate: undefined,
    remoteAddress: incoming.socket.remoteAddress,
    body: async () => Buffer.alloc(0),
  };
}

function credentialsOf(caller: Name, target: string, userContext?: { userId: string; roles: string[] }) {
  const issuer = createServiceTokenIssuer({ keys: serviceOf(caller).keys }, runtime);
  return serviceTokenCredentials(
    { issuer, service: caller, target, scopes: ['orders:create'], userContext: () => userContext },
    runtime,
  );
}

async function call(target: Name, path: string, headers: Readonly<Record<string, string>>, method = 'POST') {
  const response = await fetch(`${serviceOf(target).origin}${path}`, { method, headers });
  return { status: response.status, body: await response.text() };
}

const outgoing = { method: 'POST', url: new URL('https://order-service/orders'), headers: {}, body: undefined };

describe('a call is refused', () => {
  test('S4-069 with a token that the caller itself was called with', async () => {
    const fields = await credentialsOf('checkout-service', 'order-service').authorize(outgoing);
    assert.equal((await call('order-service', '/orders', fields)).status, 200);
    const handedOn = serviceOf('order-service').accepted.at(-1)?.authorization ?? '';
    const answer = await call('inventory-service', '/stock', { authorization: handedOn });
    assert.equal(answer.status, 401);
    assert.match(answer.body, /AUDIENCE_MISMATCH/);
    assert.equal(serviceOf('inventory-service').accepted.length, 0);
  });

  test('of a service that is no caller of the target', async () => {
    const fields = await credentialsOf('checkout-service', 'inventory-service').authorize(outgoing);
    const answer = await call('inventory-service', '/stock', fields);
    assert.deepEqual(
      [answer.status, JSON.parse(answer.body)],
      [403, { error: { code: 'UNAUTHORIZED_ISSUER', message: 'Service checkout-service is not authorized' } }],
    );
  });

  for (const [title, headers] of [
    ['without a token', {}],
    ['with another scheme', { authorization: 'Basic dTpw' }],
  ] as const) {
    test(title, async () => {
      const answer = await call('order-service', '/orders', headers);
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [401, { error: { code: 'MISSING_TOKEN' } }]);
    });
  }
});

test('S4-073 a token for one operation works there, its query notwithstanding, and nowhere else', async () => {
  const fields = await credentialsOf('checkout-service', 'order-service:GET:/orders/:id').authorize(outgoing);
  assert.equal((await call('order-service', '/orders/42?full=1', fields, 'GET')).status, 200);
  assert.equal((await call('order-service', '/orders/42', fields, 'DELETE')).status, 401);
  assert.equal((await call('order-service', '/orders/%2e%2e%2fadmin', fields, 'GET')).status, 400);
});

test('S4-105 the target sees the service, its scopes and its user', async () => {
  const user = { userId: 'user-123', roles: ['customer'] };
  const fields = await credentialsOf('checkout-service', 'order-service', user).authorize(outgoing);
  assert.equal((await call('order-service', '/orders', fields)).status, 200);
  const { principal } = serviceOf('order-service').accepted.at(-1) ?? {};
  assert.equal(principal?.service?.name, 'checkout-service');
  assert.deepEqual(principal?.scopes, ['orders:create']);
  assert.deepEqual(principal?.user, { id: 'user-123', roles: ['customer'] });
  assert.deepEqual(principal?.proofs, ['service_jwt']);
});

test('S4-068 a token that was verified before verifies while its issuer is gone: nobody is asked', async () => {
  const fields = await credentialsOf('checkout-service', 'order-service').authorize(outgoing);
  assert.equal((await call('order-service', '/orders', fields)).status, 200);
  serviceOf('checkout-service').close();
  assert.equal((await call('order-service', '/orders', fields)).status, 200);
});
