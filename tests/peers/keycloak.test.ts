/**
 * The three zones around a real Keycloak, started as the compose file says: its tokens pass, others do not, and keys change
 * there without anybody here noticing.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { correctSource, readSource } from '../../packages/sidegate/src/cli/up-source.ts';
import { call, type Outcome } from '../../packages/sidegate/src/lab/caller.ts';
import { LAB, SEED } from '../support/lab-run.ts';
import { type ComposedSystem, lab, startComposedSystem, type Zones } from './composed-system.ts';
import { withoutKeycloak } from './keycloak-dist.ts';

const SECRETS = {
  API_GATEWAY_CLIENT_SECRET: 'canary-gateway-secret',
  ORDER_SERVICE_CLIENT_SECRET: 'canary-order-secret',
  PAYMENT_SERVICE_CLIENT_SECRET: 'canary-payment-secret',
  LAB_PASSWORD_JOHN: 'canary-john-password',
  LAB_PASSWORD_MARY: 'canary-mary-password',
  LAB_PASSWORD_PAUL: 'canary-paul-password',
};
const REALMS = 'https://keycloak.example.com/realms';
const SEEDLESS = !existsSync(SEED) && process.env['CI'] !== 'true' && 'the seed files are not beside the repository';
const CLOCK_SKEW_MS = 5_000;
const ORDER = { product_id: 'PROD-123', quantity: 1 };

describe('the three zones around a real Keycloak', { skip: withoutKeycloak() }, () => {
  let system: ComposedSystem;
  let zones: Zones;
  before(async () => {
    system = await startComposedSystem(SECRETS);
    zones = await system.startZones();
  });
  after(async () => {
    await zones?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
  });

  const options = (zone: string, clientCertificate?: string) => ({
    connectTo: new Map([...zones.ports].map(([name, port]) => [name, { address: '127.0.0.1', port }])),
    certificates: system.certificates,
    serverAuthority: zone,
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  });

  async function tokenOf(realm: string, form: Readonly<Record<string, string>>, certificate?: string): Promise<string> {
    const url = `${REALMS}/${realm}/protocol/openid-connect/token`;
    const outcome = await call(
      { method: 'POST', url, body: new URLSearchParams(form) },
      options('keycloak', certificate),
    );
    assert.ok(outcome.kind === 'answer' && outcome.status === 200, JSON.stringify(outcome));
    return String(outcome.body['access_token']);
  }
  const signIn = (username: 'john' | 'mary', client = 'web-app'): Promise<string> => {
    const password = SECRETS[username === 'john' ? 'LAB_PASSWORD_JOHN' : 'LAB_PASSWORD_MARY'];
    return tokenOf('users', { grant_type: 'password', client_id: client, username, password });
  };
  const ownToken = (service: 'order' | 'payment'): Promise<string> =>
    tokenOf(
      'services',
      {
        grant_type: 'client_credentials',
        client_id: `${service}-service`,
        client_secret: SECRETS[service === 'order' ? 'ORDER_SERVICE_CLIENT_SECRET' : 'PAYMENT_SERVICE_CLIENT_SECRET'],
        scope: 'data-service:read',
      },
      `${service}-service/client-zone3`,
    );

  const atGateway = (method: 'GET' | 'POST', asked: string, token: string, body?: object): Promise<Outcome> =>
    call(
      { method, url: `https://api-gateway.zone1.local:8443${asked}`, token, ...(body === undefined ? {} : { body }) },
      options('zone1'),
    );
  const atData = (token: string, certificate: string): Promise<Outcome> =>
    call(
      { method: 'GET', url: 'https://data-service.zone3.local:8443/inventory/PROD-123', token },
      options('zone3', certificate),
    );
  const said = (outcome: Outcome): string =>
    outcome.kind === 'answer' ? `${outcome.status} ${outcome.code ?? ''}`.trim() : outcome.kind;
  const order = (token: string): Promise<Outcome> => atGateway('POST', '/api/v1/orders', token, ORDER);

  /** A client of the realm of users like web-app, whose tokens are for `audience` and as long-lived as `lifespan` says. */
  async function anotherClient(clientId: string, audience: string, lifespan: string): Promise<void> {
    const [webApp = {}] = (await system.keycloak.admin('GET', 'users/clients?clientId=web-app')) as object[];
    const config = { 'included.custom.audience': audience, 'access.token.claim': 'true' };
    const mapper = { name: audience, protocol: 'openid-connect', protocolMapper: 'oidc-audience-mapper', config };
    await system.keycloak.admin('POST', 'users/clients', {
      ...webApp,
      id: undefined,
      clientId,
      protocolMappers: [mapper],
      attributes: { 'access.token.lifespan': lifespan, 'access.token.header.type.rfc9068': 'true' },
    });
  }

  test('S3-091 the token of a service, of the other realm, is refused at the gateway', async () => {
    assert.equal(said(await order(await ownToken('order'))), '401 token_issuer_mismatch');
  });

  test('S3-092 a token that Keycloak made for nobody here is refused at the gateway', async () => {
    await anotherClient('elsewhere-app', 'elsewhere', '300');
    assert.equal(said(await order(await signIn('john', 'elsewhere-app'))), '401 token_aud_mismatch');
  });

  test('S3-090 a token is good until it expires, as Keycloak said it would', async () => {
    await anotherClient('short-app', 'api-gateway', '4');
    const token = await signIn('john', 'short-app');
    assert.equal(said(await atGateway('GET', '/api/v1/profile', token)), '200');
    await new Promise((resolve) => setTimeout(resolve, 4_000 + CLOCK_SKEW_MS + 1_000));
    assert.equal(said(await atGateway('GET', '/api/v1/profile', token)), '401 token_expired');
  });

  test('S3-025 the token of a user is refused in zone 3', async () => {
    assert.equal(said(await atData(await signIn('john'), 'order-service/client-zone3')), '401 token_issuer_mismatch');
  });

  test('S3-014 S3-016 what Keycloak bound to a certificate is refused with another one, and has no worth without any', async () => {
    const token = await ownToken('order');
    assert.equal(said(await atData(token, 'payment-service/client-zone3')), '401 token_binding_mismatch');
    assert.equal(said(await atData(token, 'order-service/client-zone3')), '200');
    const form = {
      grant_type: 'client_credentials',
      client_id: 'order-service',
      client_secret: SECRETS.ORDER_SERVICE_CLIENT_SECRET,
    };
    await assert.rejects(tokenOf('services', form), /invalid_request/);
  });

  test('S3-085 S3-102 S3-108 S3-221 S3-227 the order of a user passes all zones: 201, stored for that user', async () => {
    const outcome = await order(await signIn('john'));
    assert.equal(said(outcome), '201', refusals());
    assert.ok(outcome.kind === 'answer');
    assert.equal(outcome.body['for_user'], 'user-123');
    const record = recordsOf('data-service').find(({ method }) => method === 'POST');
    assert.deepEqual(
      [record?.['mtls_client'], JSON.stringify(record?.['token']).includes(`"issuer":"${REALMS}/services"`)],
      ['order-service-client', true],
    );
  });

  test('S3-070 paying needs payments:create, which john has not', async () => {
    const outcome = await atGateway('POST', '/api/v1/payments', await signIn('john'), { order_id: 'x', amount: 1 });
    assert.equal(said(outcome), '403 policy_denied');
  });

  test('S3-150 S4-098 new keys of both realms are followed while requests pass, and none fails', async () => {
    const { keycloak } = system;
    const before = await signIn('john');
    const placed = await order(before);
    assert.ok(placed.kind === 'answer' && placed.status === 201, said(placed));
    const stored = `/api/v1/orders/${String(placed.body['id'])}`;
    const outcomes: string[] = [];
    const running = { token: before, rotating: true };
    const load = (async () => {
      for (let i = 0; running.rotating || i % 20 !== 0; i += 1) {
        outcomes.push(said(await atGateway('GET', stored, i % 2 === 0 ? before : running.token)));
      }
    })();
    await newKey(keycloak, 'users', 'rsa-generated', 'RS256');
    await newKey(keycloak, 'services', 'ecdsa-generated', 'ES256');
    running.token = await signIn('john');
    assert.notEqual(keyOf(running.token), keyOf(before), 'the new key signs');
    // Nobody here has seen the new key of the services: payment-service asks for its first token now.
    const mary = await signIn('mary');
    const paid = await atGateway('POST', '/api/v1/payments', mary, { order_id: placed.body['id'], amount: 9 });
    assert.equal(said(paid), '201', refusals());
    running.rotating = false;
    await load;
    assert.ok(outcomes.length >= 20, String(outcomes.length));
    assert.deepEqual([...new Set(outcomes)], ['200']);
    const kids = new Set(recordsOf('data-service').map(({ token: shown }) => (shown as { readonly kid?: string }).kid));
    assert.equal(kids.size, 2, 'order-service keeps its token, payment-service has one of the new key');
  });

  test("S3-189 the seed's own files, corrected where they contradict themselves, do the same", {
    skip: SEEDLESS,
  }, async () => {
    const own = zones;
    zones = await system.startZones(correctSource(readSource(lab, LAB, SEED), lab, ['web-app']));
    try {
      assert.equal(said(await order(await ownToken('order'))), '401 token_issuer_mismatch');
      assert.equal(said(await order(await signIn('mary'))), '403 policy_denied');
      assert.equal(said(await order(await signIn('john'))), '201', refusals());
    } finally {
      await zones[Symbol.asyncDispose]();
      zones = own;
    }
  });

  test('S3-231 no secret, password or token is in any output', () => {
    const everything = logs();
    for (const secret of [...Object.values(SECRETS), 'eyJ']) assert.ok(!everything.includes(secret));
  });

  const logs = (): string =>
    [...zones.sidecars.values()].map((sidecar) => sidecar.stdout() + sidecar.stderr()).join('\n');

  const refusals = (): string =>
    logs()
      .split('\n')
      .filter((line) => line.includes('"decision":"deny"'))
      .slice(-3)
      .join('\n');

  const recordsOf = (name: string): Record<string, unknown>[] =>
    (zones.sidecars.get(name)?.stdout() ?? '')
      .split('\n')
      .filter((line) => line.includes('"event":"request"') && line.endsWith('}') && line.includes('"decision":"allow"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
});

/** One of a higher priority signs from now on; the old ones still verify. */
async function newKey(
  keycloak: ComposedSystem['keycloak'],
  realm: string,
  providerId: string,
  algorithm: string,
): Promise<void> {
  const { id } = (await keycloak.admin('GET', realm)) as { readonly id: string };
  await keycloak.admin('POST', `${realm}/components`, {
    name: `rotated-${algorithm}`,
    providerId,
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId: id,
    config: {
      priority: ['200'],
      enabled: ['true'],
      active: ['true'],
      ...(algorithm === 'RS256' ? { algorithm: ['RS256'] } : { ecdsaEllipticCurveKey: ['P-256'] }),
    },
  });
}

const keyOf = (token: string): unknown =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')) as { readonly kid?: string }).kid;
