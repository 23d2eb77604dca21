/** A gateway before a service, over real connections: it verifies, replaces what clients say of themselves, and proves by its certificate that it is one. */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createGateway, type GatewayEvent, gatewayContext, gatewayMiddleware } from '@sidegate/sdk/gateway';
import { mutualTls, serviceAuth } from '@sidegate/sdk/server';
import { platformTokens } from '@sidegate/sdk/service-tokens';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { startExpress } from '../support/frameworks/express.ts';
import type { GuardedServer, ServiceRoute } from '../support/frameworks/guarded-service.ts';
import { keyPairTokens, ORCHESTRATOR, USER_CLAIMS } from '../support/platform-tokens.ts';

const GATEWAY = 'spiffe://example.com/api-gateway';
const authority = createTestAuthority('Test CA');
const gatewayIdentity = authority.issue({ uris: [GATEWAY] });
const otherService = authority.issue({ uris: ['spiffe://example.com/pos-service'] });
const serviceIdentity = authority.issue({ dns: ['orders-service'], ips: ['127.0.0.1'], eku: ['serverAuth'] });
const { handler, sign } = keyPairTokens();

interface Seen {
  readonly service: string | undefined;
  readonly user: string | undefined;
  readonly roles: readonly string[];
}
const seen: Seen[] = [];
const events: GatewayEvent[] = [];
/** The fields of the last message as the gateway sent it on. */
let forwarded: readonly string[] = [];
let orders: GuardedServer;
let gateway: ReturnType<typeof createServer>;

const saw: ServiceRoute['handle'] = (principal) => {
  seen.push({
    service: principal?.service?.name,
    user: principal?.user?.id,
    roles: principal?.roles ?? [],
  });
  return { status: 200, body: {} };
};
const routes: readonly ServiceRoute[] = [
  {
    method: 'DELETE',
    path: '/tenant/:tenantId',
    rule: (guards) => guards.serviceOnly({ operation: 'tenant:delete' }),
    handle: saw,
  },
  { method: 'GET', path: '/orders', rule: (guards) => guards.requireRoles('admin'), handle: saw },
];

before(async () => {
  const direct = platformTokens({ tokens: handler });
  const peer = mutualTls({ allowedClients: [GATEWAY] });
  const authenticator = gatewayContext({ peer, gateways: [GATEWAY], direct });
  const tls = { key: serviceIdentity.keyPem, cert: serviceIdentity.certPem, ca: authority.certPem };
  orders = await startExpress({ auth: serviceAuth({ service: 'orders-service', authenticator }), routes, tls });
  const middleware = gatewayMiddleware(createGateway({ tokens: handler, log: (event) => void events.push(event) }));
  gateway = createServer((message, response) => {
    void middleware(message, response, () => {
      forwarded = message.rawHeaders;
      const { method, url, headers } = message;
      const through = toOrders(
        { method, path: url, headers: { ...headers, host: 'orders-service' } },
        gatewayIdentity,
        (answer) => {
          response.writeHead(answer.statusCode ?? 502);
          answer.pipe(response);
        },
      );
      through.on('error', () => response.destroy());
    });
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  gateway.closeAllConnections();
  gateway.close();
  await orders[Symbol.asyncDispose]();
});
beforeEach(() => {
  seen.length = 0;
  events.length = 0;
  forwarded = [];
});

type Fields = Readonly<Record<string, string | string[] | undefined>>;

function toOrders(
  asked: { readonly method: string | undefined; readonly path: string | undefined; readonly headers: Fields },
  identity: TestCertificate | undefined,
  answered: (answer: IncomingMessage) => void,
) {
  const own = identity === undefined ? {} : { key: identity.keyPem, cert: identity.certPem };
  const place = { host: '127.0.0.1', port: orders.port, servername: 'orders-service', agent: false as const };
  return httpsRequest(
    { ...place, ...asked, ...own, headers: { ...asked.headers }, ca: authority.certPem },
    answered,
  ).end();
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

async function read(answer: IncomingMessage): Promise<Answer> {
  let body = '';
  for await (const chunk of answer) body += String(chunk);
  return { status: answer.statusCode, body };
}

const through = (headers: Fields, method = 'DELETE', path = '/tenant/t-1') =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { port } = gateway.address() as AddressInfo;
    httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false }, resolve)
      .on('error', reject)
      .end();
  }).then(read);

const past = (headers: Fields, identity?: TestCertificate, method = 'DELETE', path = '/tenant/t-1') =>
  new Promise<IncomingMessage>((resolve, reject) => {
    toOrders({ method, path, headers }, identity, resolve).on('error', reject);
  }).then(read);

const withToken = (token: string, headers: Fields = {}): Fields => ({ ...headers, authorization: `Bearer ${token}` });
const FORGED = {
  'x-user-type': 'service',
  'x-service-name': ORCHESTRATOR,
  'x-user-role': 'admin',
  'x-user-id': ORCHESTRATOR,
  x_user_type: 'service',
  'X-Service-Tenants': 't-1',
} as const;

const fieldsSent = (name: string): readonly string[] =>
  forwarded.filter((_, index) => index % 2 === 1 && forwarded[index - 1]?.toLowerCase().replaceAll('_', '-') === name);

describe('the gateway refuses, and nothing reaches the service:', () => {
  for (const [title, token, message] of [
    ['S1-038 without user_id', () => sign({ user_id: undefined }), 'The token has no user_id'],
    ['S1-039 without email', () => sign({ email: undefined }), 'The token has no email'],
    [
      'S1-041 without type, even if it is marked as a service',
      () => sign({ type: undefined }),
      'The token has no type',
    ],
    ['S1-042 of the type refresh', () => sign({ type: 'refresh' }), 'Invalid token type: refresh'],
    ['of a type that is a number', () => sign({ type: 7 }), 'Invalid token type: "number"'],
    ['of a type with a line break', () => sign({ type: 'a\nb' }), 'Invalid token type: "string"'],
    ['S1-040 without exp', () => sign({ exp: undefined }), undefined],
    ['that has expired', () => sign({ exp: 1 }), undefined],
    ['of somebody else', () => keyPairTokens().sign({}), undefined],
    ['whose user id would end a header', () => sign({ user_id: 'a\r\nx-user-type: service' }), undefined],
    ['whose tenants would be others in a list', () => sign({ tenants: ['t-1,t-2'] }), undefined],
  ] as const) {
    test(`S1-037 S1-107 a token ${title}: 401`, async () => {
      const { status, body } = await through(withToken(await token()));
      assert.equal(status, 401);
      if (message !== undefined) assert.equal((JSON.parse(body) as { detail: string }).detail, message);
      assert.deepEqual([forwarded, seen], [[], []]);
      assert.deepEqual(
        events.map(({ level }) => level),
        ['warning'],
      );
    });
  }

  test('no token: 401', async () => {
    assert.equal((await through(FORGED)).status, 401);
    assert.deepEqual(forwarded, []);
  });

  test('S1-043 a refused type is logged as a warning that names it', async () => {
    await through(withToken(await sign({ type: 'refresh' })));
    assert.deepEqual(events, [
      { level: 'warning', message: 'Invalid token type: refresh', code: 'token_typ_mismatch' },
    ]);
  });

  test('a service that nobody knows: 403', async () => {
    assert.equal((await through(withToken(await sign({ service: 'mallory' })))).status, 403);
  });
});

test('S1-002 S1-003 S1-004 S1-005 S1-006 S1-044 S1-045 S1-046 S1-050 S1-051 a service token: verified, told in headers, forwarded, and believed', async () => {
  const token = handler.createServiceToken(ORCHESTRATOR);
  assert.equal((await through(withToken(token))).status, 200);
  assert.deepEqual(fieldsSent('x-user-type'), ['service']);
  assert.deepEqual(fieldsSent('x-service-name'), [ORCHESTRATOR]);
  assert.deepEqual(fieldsSent('x-user-role'), ['admin']);
  assert.deepEqual(fieldsSent('authorization'), [`Bearer ${token}`]);
  assert.deepEqual(seen, [{ service: ORCHESTRATOR, user: undefined, roles: ['system', 'admin'] }]);
  assert.deepEqual(events, [{ level: 'info', message: 'Service authentication', service: ORCHESTRATOR }]);
});

describe('S1-048 what clients say of themselves', () => {
  test('S1-032 makes no service of a user: 403', async () => {
    const { status } = await through(withToken(await sign(USER_CLAIMS), FORGED));
    assert.equal(status, 403);
    assert.deepEqual(fieldsSent('x-user-type'), ['access']);
    assert.deepEqual(fieldsSent('x-service-name'), []);
    assert.deepEqual(fieldsSent('x-user-id'), ['mary']);
    assert.deepEqual(fieldsSent('x-service-tenants'), []);
    assert.deepEqual(seen, []);
  });

  test('widens no token that is for other tenants: 403', async () => {
    const token = handler.createServiceToken(ORCHESTRATOR, 60, { tenants: ['t-2'] });
    assert.equal((await through(withToken(token, FORGED))).status, 403);
    assert.deepEqual(fieldsSent('x-service-tenants'), ['t-2']);
    assert.equal((await through(withToken(token), 'DELETE', '/tenant/t-2')).status, 200);
  });

  test('takes away nothing that the gateway says', async () => {
    const token = handler.createServiceToken(ORCHESTRATOR, 60, { tenants: ['t-2'] });
    const { status } = await through(withToken(token, { connection: 'x-service-tenants, close' }));
    assert.equal(status, 403);
    assert.deepEqual(fieldsSent('connection'), []);
  });
});

test('S1-010 S1-047 a user goes the same way, and the service has its context from the headers', async () => {
  assert.equal((await through(withToken(await sign(USER_CLAIMS)), 'GET', '/orders')).status, 200);
  assert.deepEqual(seen, [{ service: undefined, user: 'mary', roles: ['admin'] }]);
  assert.deepEqual(events, []);
});

describe('S1-049 past the gateway the headers mean nothing:', () => {
  for (const [title, identity] of [
    ['without a certificate', undefined],
    ['with that of another service', otherService],
  ] as const) {
    test(`${title}: 401 without a token, 403 with that of a user, and a service token is verified here`, async () => {
      assert.equal((await past(FORGED, identity)).status, 401);
      assert.equal((await past(withToken(await sign(USER_CLAIMS), FORGED), identity)).status, 403);
      assert.deepEqual(seen, []);
      assert.equal((await past(withToken(handler.createServiceToken('pos-service'), FORGED), identity)).status, 200);
      assert.deepEqual(seen, [{ service: 'pos-service', user: undefined, roles: ['system', 'admin'] }]);
    });
  }

  test('a certificate of nobody that is trusted does not help', async () => {
    const stranger = createTestAuthority('Test CA').issue({ uris: [GATEWAY] });
    assert.equal((await past(FORGED, stranger)).status, 401);
  });

  test('the gateway itself has to say who calls', async () => {
    assert.equal((await past({}, gatewayIdentity)).status, 401);
    assert.equal(
      (await past({ 'x-user-type': 'service', 'x-user-id': 'x', 'x-service-name': 'mallory' }, gatewayIdentity)).status,
      403,
    );
  });
});

test('a service behind no gateway at all is not built', () => {
  const peer = mutualTls({ allowedClients: [GATEWAY] });
  assert.throws(() => gatewayContext({ peer, gateways: [], direct: peer }), RangeError);
});
