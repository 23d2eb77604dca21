/** The sample clients, for real: our identity provider, servers that verify its tokens, TLS between all of them. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import {
  createPushedJwks,
  createTokenVerifier,
  type JsonValue,
  Problem,
  readCredentials,
  requireScopes,
  systemRuntime,
} from '@sidegate/sdk';
import { ServiceResponseError } from '@sidegate/sdk/client';
import { loadSettings, Secret, SettingsError } from '@sidegate/sdk/settings';
import {
  PaymentChargeClient,
  PaymentRefundClient,
} from '../../examples/service-clients/adapters/out/http/payment-client.ts';
import { type Clients, openClients } from '../../examples/service-clients/clients.ts';
import { inventoryByMtls } from '../../examples/service-clients/inventory-by-mtls.ts';
import { placeOrder } from '../../examples/service-clients/place-order.ts';
import { ServiceClient } from '../../examples/service-clients/service-client.ts';
import { SETTINGS } from '../../examples/service-clients/settings.ts';
import { startCalledService } from '../support/called-service.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { endpointUrl, startIdentityProvider, systemClock } from '../support/identity-provider.ts';
import { manualTime } from '../support/manual-time.ts';
import { audienceMapper } from '../support/realms.ts';
import { until } from '../support/until.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const REGISTRATIONS = {
  'order-service-prod': 'payment:charge',
  'order-service-refunds': 'payment:refund',
  'order-service-inventory': 'inventory:reserve',
  'order-service-products': 'product:read',
} as const;
const AUDIENCES = { payment: 'payment-service', inventory: 'inventory-service', product: 'product-service' } as const;

const provider = await startIdentityProvider({
  realms: [
    {
      realm: 'main',
      clientScopes: Object.values(REGISTRATIONS).map((name) => ({
        name,
        protocolMappers: [audienceMapper(AUDIENCES[name.split(':')[0] as keyof typeof AUDIENCES])],
      })),
      clients: Object.entries(REGISTRATIONS).map(([clientId, scope]) => ({
        clientId,
        serviceAccountsEnabled: true,
        secret: `canary-of-${clientId}`,
        optionalClientScopes: [scope],
      })),
    },
  ],
});
after(() => provider[Symbol.asyncDispose]());

const ca = createTestAuthority('internal-CA');
const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'] });
const tls = { cert: server.certPem, key: server.keyPem };
const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-clients-'));
after(() => rm(folder, { recursive: true }));
await writeFile(path.join(folder, 'ca.pem'), ca.certPem);
const jwks = await (await fetch(endpointUrl(provider, 'main', 'certs'))).arrayBuffer();

interface Route {
  readonly scope: string;
  readonly answer: (body: string, key: string | undefined) => { readonly status?: number; readonly body: unknown };
}

/** A service that believes tokens for itself alone, and does what a scope allows. */
async function startService(audience: string, routes: Readonly<Record<string, Route>>) {
  const issuer = 'https://keycloak.example.com/realms/main';
  const issuers = [{ name: 'main', issuer, audiences: [audience], keys: createPushedJwks(Buffer.from(jwks)) }];
  const verifier = createTokenVerifier({ issuers, clock: systemClock });
  return await startCalledService({
    tls,
    answer: async ({ method, target, headers, body }) => {
      const route = routes[`${method} ${target}`];
      if (route === undefined) return { status: 404, body: { code: 'route_not_found' } };
      try {
        const token = readCredentials(headers.authorization === undefined ? [] : [headers.authorization]);
        requireScopes((await verifier.verify(token)).scopes, [route.scope]);
        return route.answer(body, headers['idempotency-key'] as string | undefined);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return { status: error.row.status, body: { code: error.code } };
      }
    },
  });
}

/** A payment service, a stock and a catalogue, and order-service's settings for them. */
async function scene(changed: Readonly<Record<string, string>> = {}) {
  const done = new Map<string, string>();
  const ledger: string[] = [];
  const once = (what: string) => (body: string, key: string | undefined) => {
    if (key === undefined) return { status: 400, body: { code: 'idempotency_key_missing' } };
    const known = done.get(key);
    if (known !== undefined && known !== body) return { status: 422, body: { code: 'idempotency_key_reused' } };
    if (known === undefined) ledger.push(`${what} ${body}`);
    done.set(key, body);
    return { body: { receipt_id: `receipt ${key}` } };
  };
  const payment = await startService('payment-service', {
    'POST /charge': { scope: 'payment:charge', answer: once('charge') },
    'POST /refund': { scope: 'payment:refund', answer: once('refund') },
  });
  const inventory = await startService('inventory-service', {
    'POST /reservations': { scope: 'inventory:reserve', answer: () => ({ body: '' }) },
  });
  const product = await startService('product-service', {
    'GET /products/PROD-123': {
      scope: 'product:read',
      answer: () => ({ body: { product_id: 'PROD-123', price_cents: 1999 } }),
    },
  });
  const env = {
    PAYMENT_SERVICE_URL: payment.url,
    INVENTORY_SERVICE_URL: inventory.url,
    PRODUCT_SERVICE_URL: product.url,
    IDP_TOKEN_URL: endpointUrl(provider, 'main', 'token'),
    INTERNAL_CA_FILE: path.join(folder, 'ca.pem'),
    ...registered('PAYMENT', 'order-service-prod'),
    ...registered('PAYMENT_REFUND', 'order-service-refunds'),
    ...registered('INVENTORY', 'order-service-inventory'),
    ...registered('PRODUCT', 'order-service-products'),
    ...changed,
  };
  const { values } = await loadSettings(SETTINGS, { env, envFile: path.join(folder, '.env') });
  const clients = openClients(values);
  return {
    env,
    clients,
    ledger,
    payment,
    inventory,
    product,
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]();
      for (const service of [payment, inventory, product]) await service[Symbol.asyncDispose]();
    },
  };
}

const registered = (name: string, clientId: string) => ({
  [`${name}_CLIENT_ID`]: clientId,
  [`${name}_CLIENT_SECRET`]: `canary-of-${clientId}`,
});
const tokenRequests = () => provider.events.length;

describe('what may not happen', () => {
  test('S0-42 S0-46 charge credentials cannot refund: neither by the compiler, nor by the issuer, nor at payment-service', async () => {
    // @ts-expect-error a client for charges makes no refunds
    const wrong = (charging: ConstructorParameters<typeof PaymentChargeClient>[0]) => new PaymentRefundClient(charging);
    assert.equal(typeof wrong, 'function');
    await using at = await scene({
      PAYMENT_REFUND_CLIENT_ID: 'order-service-prod',
      PAYMENT_REFUND_CLIENT_SECRET: 'canary-of-order-service-prod',
    });
    await assert.rejects(at.clients.payments.refund('42', 1999), {
      code: 'idp_bad_response',
      message: /invalid_scope/,
    });
    assert.equal(at.payment.calls.length, 0);
    const charged = await at.clients.payments.charge('42', 1999);
    assert.equal(charged.receiptId, 'receipt "charge-42"');
    const authorization = at.payment.calls[0]?.headers.authorization ?? '';
    const stolen = await fetchWith(`${at.payment.url}/refund`, { authorization, 'idempotency-key': '"x"' });
    assert.deepEqual(stolen, { status: 403, code: 'insufficient_scope' });
  });

  test('S0-34 S0-37 a start without its settings, which names all of them', async () => {
    const error: unknown = await loadSettings(SETTINGS, { env: {}, envFile: '/nowhere' }).catch(
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SettingsError);
    for (const name of [
      'inventory_client_id',
      'inventory_client_secret',
      'product_client_id',
      'product_client_secret',
      'product_service_url',
    ]) {
      assert.match(error.message, new RegExp(`${name}: is missing: set ${name.toUpperCase()} or`));
    }
  });

  test('S0-35 .env is committed', () => {
    const ignored = spawnSync('git', ['check-ignore', '-q', 'examples/service-clients/.env'], {
      cwd: path.join(import.meta.dirname, '../..'),
    });
    assert.equal(ignored.status, 0);
  });

  test('S0-06 a secret that lies in git: examples and settings hold references alone, and a literal stops the start', async () => {
    const tracked = spawnSync('git', ['ls-files', '*.env', '*.env.*', 'examples'], { cwd: ROOT, encoding: 'utf8' });
    const files = tracked.stdout.split('\n').filter((file) => /\.(?:env|example|json|ya?ml|ts)$/.test(file));
    assert.ok(files.length > 10);
    assert.deepEqual(
      files.filter((file) => /(?:^|\/)\.env(?:\.(?!example)|$)/.test(file)),
      [],
    );
    const literal = /(?:secret|password)["']?\s*[:=]\s*["']?(?!\$\{|vault:|\/|["']?$)[A-Za-z0-9+/_-]{16,}["']?\s*,?$/im;
    assert.match('client_secret: "abcdefghijklmnop123"', literal);
    for (const file of files.filter((each) => !each.endsWith('.ts'))) {
      assert.doesNotMatch(readFileSync(path.join(ROOT, file), 'utf8'), literal, file);
    }
    const configFile = path.join(folder, 'settings.json');
    await writeFile(configFile, JSON.stringify({ payment_client_secret: 'canary-literal' }));
    await assert.rejects(
      loadSettings(SETTINGS, { env: {}, envFile: '/nowhere', configFile }),
      /holds a secret: write \$\{/,
    );
  });

  test('adapters hold no token: the token source is the only place for it', () => {
    const root = path.join(import.meta.dirname, '../..');
    const found = spawnSync(
      'grep',
      ['-rnEi', 'access_token|bearer|authorization|expires', 'examples/service-clients/adapters'],
      { cwd: root, encoding: 'utf8' },
    );
    assert.deepEqual([found.status, found.stdout], [1, '']);
  });
});

describe('one client for each domain and scope', () => {
  test('S0-20 S0-21 S0-23 S0-39 S0-40 S0-41 S0-43 S0-44 S0-45 each calls its service with a token for its operation alone', async () => {
    await using at = await scene();
    const { payments, inventory, products } = at.clients;
    const before = tokenRequests();
    assert.deepEqual(await products.getProduct('PROD-123'), { productId: 'PROD-123', priceCents: 1999 });
    await inventory.reserve('PROD-123', 2);
    await payments.charge('42', 3998);
    await payments.refund('42', 3998);
    assert.equal(at.payment.calls[0]?.body, '{"order_id":"42","amount_cents":3998}');
    assert.deepEqual(
      at.payment.calls.map(({ method, target, body }) => [method, target, body]),
      [
        ['POST', '/charge', '{"order_id":"42","amount_cents":3998}'],
        ['POST', '/refund', '{"order_id":"42","amount_cents":3998}'],
      ],
    );
    const calls = [...at.product.calls, ...at.inventory.calls, ...at.payment.calls];
    const claims = calls.map(({ headers }) => claimsOf(headers.authorization ?? ''));
    assert.deepEqual(
      claims.map(({ azp, scope, aud }) => [azp, scope, aud]),
      [
        ['order-service-products', 'product:read', 'product-service'],
        ['order-service-inventory', 'inventory:reserve', 'inventory-service'],
        ['order-service-prod', 'payment:charge', 'payment-service'],
        ['order-service-refunds', 'payment:refund', 'payment-service'],
      ],
    );
    assert.equal(tokenRequests() - before, 4);
  });

  test('S0-25 S0-56 connections and tokens are shared by all requests', async () => {
    await using at = await scene();
    const before = tokenRequests();
    for (let order = 0; order < 4; order += 1) await at.clients.products.getProduct('PROD-123');
    await Promise.all(Array.from({ length: 8 }, (_, order) => at.clients.payments.charge(`order-${order}`, 100)));
    assert.equal(tokenRequests() - before, 2);
    assert.equal(at.ledger.length, 8);
    assert.ok(at.product.connections() <= 2);
  });

  test('S0-69 a charge that is repeated charges once, and another amount for the same order is refused', async () => {
    await using at = await scene();
    const first = await at.clients.payments.charge('42', 1999);
    assert.deepEqual(await at.clients.payments.charge('42', 1999), first);
    assert.equal(at.ledger.length, 1);
    await assert.rejects(at.clients.payments.charge('42', 9999), (error: unknown) => {
      assert.ok(error instanceof ServiceResponseError);
      assert.deepEqual([error.status, error.code], [422, 'idempotency_key_reused']);
      return true;
    });
    assert.equal(at.ledger.length, 1);
  });

  test('S0-47 an answer that is no success is a typed error with its status', async () => {
    await using at = await scene();
    await assert.rejects(at.clients.products.getProduct('PROD-404'), {
      name: 'ServiceResponseError',
      status: 404,
      code: 'route_not_found',
    });
  });

  test('S0-58 a handler is given the clients, and a test gives it others', async () => {
    const order = { orderId: '42', productId: 'PROD-123', quantity: 2 };
    await using at = await scene();
    assert.equal((await placeOrder(at.clients, order)).receiptId, 'receipt "charge-42"');
    assert.equal(at.ledger[0], 'charge {"order_id":"42","amount_cents":3998}');
    const asked: unknown[] = [];
    const fake: Clients = {
      products: { getProduct: (productId) => Promise.resolve({ productId, priceCents: 1 }) },
      inventory: { reserve: (...reserved) => (asked.push(reserved), Promise.resolve()) },
      payments: {
        charge: (...charged) => (asked.push(charged), Promise.resolve({ receiptId: 'fake' })),
        refund: () => assert.fail(),
      },
    };
    assert.deepEqual(await placeOrder(fake, order), { receiptId: 'fake' });
    assert.deepEqual(asked, [
      ['PROD-123', 2],
      ['42', 2],
    ]);
  });

  test('S0-08 S0-19 in a mesh the same clients send neither token nor certificate, by a setting alone', async () => {
    await using sidecar = await startCalledService({
      answer: () => ({ body: { receipt_id: 'r', product_id: 'p', price_cents: 1 } }),
    });
    await using at = await scene({
      SERVICE_MESH: 'true',
      PAYMENT_SERVICE_URL: sidecar.url,
      INVENTORY_SERVICE_URL: sidecar.url,
      PRODUCT_SERVICE_URL: sidecar.url,
    });
    const before = tokenRequests();
    await placeOrder(at.clients, { orderId: '42', productId: 'p', quantity: 1 });
    assert.deepEqual(
      sidecar.calls.map(({ target, headers }) => [target, headers.authorization]),
      [
        ['/products/p', undefined],
        ['/reservations', undefined],
        ['/charge', undefined],
      ],
    );
    assert.equal(tokenRequests(), before);
  });
});

test('S0-57 a process whose clients are closed ends by itself', async () => {
  await using at = await scene();
  const program = `
    import { loadSettings } from '@sidegate/sdk/settings';
    import { openClients } from './examples/service-clients/clients.ts';
    import { SETTINGS } from './examples/service-clients/settings.ts';
    const { values, close } = await loadSettings(SETTINGS, { envFile: '/nowhere' });
    {
      await using clients = openClients(values);
      console.log((await clients.products.getProduct('PROD-123')).priceCents);
    }
    close();
    console.log(process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name)).length);`;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--conditions=@sidegate/source', '--input-type=module', '-e', program],
      { timeout: 30_000, cwd: path.join(import.meta.dirname, '../..'), env: at.env },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
  });
  assert.equal(output, '1999\n0\n');
});

describe('a class that calls any service', () => {
  async function authServer(status = 200) {
    let issued = 0;
    return await startCalledService({
      tls,
      answer: () => ({
        status,
        body: status === 200 ? { access_token: `t${(issued += 1)}`, token_type: 'Bearer', expires_in: 3600 } : {},
      }),
    });
  }
  const classOf = (authServerUrl: string) =>
    new ServiceClient({
      clientId: 'service-a',
      clientSecret: new Secret('canary-secret-a'),
      authServerUrl,
      ca: ca.certPem,
    });

  test('S2-42 says that it got no token, and why only to its cause', async () => {
    for (const status of [401, 500, 302]) {
      await using server = await authServer(status);
      const client = classOf(server.url);
      await assert.rejects(client.getToken(), { message: 'Failed to get service token' });
      await assert.rejects(client.callService('https://localhost:1', '/internal/data'), {
        message: 'Failed to get service token',
      });
      await client.close();
    }
  });

  test('S2-39 S2-40 S2-43 gets a token once, and calls with it', async () => {
    await using auth = await authServer();
    await using serviceB = await startCalledService({ tls, answer: ({ target }) => ({ body: { from: target } }) });
    const client = classOf(auth.url);
    assert.equal(await client.getToken(), 't1');
    const answers = [
      await client.callService(serviceB.url, '/internal/data'),
      await client.callService(serviceB.url, '/internal/data'),
    ];
    assert.equal(JSON.stringify(answers), '[{"from":"/internal/data"},{"from":"/internal/data"}]');
    assert.deepEqual(
      serviceB.calls.map(({ method, headers }) => [method, headers.authorization]),
      [
        ['GET', 'Bearer t1'],
        ['GET', 'Bearer t1'],
      ],
    );
    assert.equal(auth.calls.length, 1);
    assert.deepEqual([auth.calls[0]?.method, auth.calls[0]?.target], ['POST', '/token']);
    await client.close();
  });
});

test('S2-40 S2-41 a token is used until a minute before it ends, then fetched again', async () => {
  let issued = 0;
  await using auth = await startCalledService({
    answer: () => ({ body: { access_token: `t${(issued += 1)}`, token_type: 'Bearer', expires_in: 3600 } }),
  });
  const time = manualTime();
  const runtime = { ...systemRuntime(), clock: time.clock, random: () => 0 };
  const clientSecret = new Secret('canary-secret-a');
  const client = new ServiceClient({ clientId: 'service-a', clientSecret, authServerUrl: auth.url, runtime });
  await client.getToken();
  time.advance(3_539_000);
  assert.equal(await client.getToken(), 't1');
  assert.equal(auth.calls.length, 1);
  time.advance(1_000);
  await client.getToken();
  await until(async () => (await client.getToken()) === 't2');
  assert.equal(await client.getToken(), 't2');
  assert.equal(auth.calls.length, 2);
  await client.close();
});

test('S4-027 S4-028 callInventoryService by mutual TLS: the answer as JSON, or a rejection', async () => {
  const order = ca.issue({ subject: [{ CN: 'order-service' }] });
  await writeFile(path.join(folder, 'order-service-cert.pem'), order.certPem);
  await writeFile(path.join(folder, 'order-service-key.pem'), order.keyPem);
  await writeFile(path.join(folder, 'ca-cert.pem'), ca.certPem);
  await using service = await startCalledService({
    tls: { ...tls, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
    answer: ({ target, caller }) => (target === '/items' ? { body: { caller } } : { status: 503, body: 'busy' }),
  });
  const { callInventoryService, close } = inventoryByMtls(folder, service.url);
  const answer: JsonValue = await callInventoryService('/items');
  assert.equal(JSON.stringify(answer), '{"caller":"order-service"}');
  await assert.rejects(callInventoryService('/other'), { name: 'ServiceResponseError', status: 503 });
  await close();
  const foreign = createTestAuthority('public-CA').issue({ eku: ['serverAuth'], dns: ['localhost'] });
  await using unknown = await startCalledService({ tls: { cert: foreign.certPem, key: foreign.keyPem } });
  for (const [url, code] of [
    [unknown.url, 'upstream_tls'],
    ['https://localhost:1', 'upstream_unreachable'],
  ] as const) {
    const caller = inventoryByMtls(folder, url);
    await assert.rejects(caller.callInventoryService('/items'), { code });
    await caller.close();
  }
  assert.equal(unknown.calls.length, 0);
});

function claimsOf(authorization: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = authorization.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Readonly<Record<string, unknown>>;
}

/** As a thief would: without the SDK. */
async function fetchWith(url: string, headers: Readonly<Record<string, string>>) {
  const flags = ['-s', '--cacert', path.join(folder, 'ca.pem'), '-X', 'POST', '-w', '\n%{http_code}', url];
  const output = await new Promise<string>((resolve, reject) => {
    const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    execFile('curl', [...flags, ...given], (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
  const [body = '', status] = output.split('\n');
  return { status: Number(status), code: (JSON.parse(body) as { readonly code: string }).code };
}
