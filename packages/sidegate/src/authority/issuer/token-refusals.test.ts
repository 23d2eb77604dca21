import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestToken, startIdentityProvider } from '../../../../../tests/support/identity-provider.ts';
import { ISSUER_REALMS, JOHN_PASSWORD, ORDER_SECRET } from '../../../../../tests/support/realms.ts';
import {
  basic,
  johnLogin,
  orderBasic,
  orderService,
  sendTokenRequest,
  type TokenRequestRow,
} from '../../../../../tests/support/token-request.ts';

interface RefusedRow extends TokenRequestRow {
  readonly refused: readonly [status: number, error: string];
}

const REFUSED: readonly RefusedRow[] = [
  // the request
  { title: 'no grant_type', body: orderService, refused: [400, 'invalid_request'] },
  { title: 'an empty body', body: '', refused: [400, 'invalid_request'] },
  {
    title: 'C-205 a JSON body (SD-17)',
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: 'order-service', client_secret: ORDER_SECRET }),
    contentType: 'application/json',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-205 a body of more than 64 KiB',
    body: `grant_type=client_credentials&${orderService}&x=${'x'.repeat(65_536)}`,
    refused: [413, 'invalid_request'],
  },
  {
    title: 'C-191 client credentials in the URI',
    query: `?${orderService}`,
    body: 'grant_type=client_credentials',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read&scope=data-service:read`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter whose name is encoded',
    body: `grant_type=client_credentials&${orderService}&%67rant_type=client_credentials`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter without a value',
    body: `grant_type=client_credentials&${orderService}&scope=&scope`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'bad percent-encoding',
    body: `grant_type=client_credentials&${orderService}&scope=%zz`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'bad UTF-8',
    body: `grant_type=client_credentials&${orderService}&scope=%ff`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'raw bytes beyond ASCII',
    body: Buffer.from(`grant_type=client_credentials&${orderService}&scope=\xff`, 'latin1'),
    refused: [400, 'invalid_request'],
  },
  {
    title: 'an encoded line break',
    body: `grant_type=client_credentials&${orderService}&scope=a%0d%0ab`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'more parameters than any grant has',
    body: `grant_type=client_credentials&${orderService}${Array.from({ length: 40 }, (_, i) => `&p${i}=1`).join('')}`,
    refused: [400, 'invalid_request'],
  },

  // the client
  {
    title: 'C-192 Basic and body credentials at once',
    authorization: orderBasic,
    body: `grant_type=client_credentials&${orderService}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'a client_id beside another Basic client',
    authorization: orderBasic,
    body: 'grant_type=client_credentials&client_id=api-gateway',
    refused: [400, 'invalid_request'],
  },
  { title: 'no client at all', body: 'grant_type=client_credentials', refused: [401, 'invalid_client'] },
  {
    title: 'a client without its secret',
    body: 'grant_type=client_credentials&client_id=order-service',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 an unknown client',
    body: 'grant_type=client_credentials&client_id=nobody&client_secret=x',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a wrong secret',
    body: 'grant_type=client_credentials&client_id=order-service&client_secret=x',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a disabled client',
    body: 'grant_type=client_credentials&client_id=retired&client_secret=canary-retired',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a bearer-only client with a secret and a service account',
    body: 'grant_type=client_credentials&client_id=called&client_secret=canary-called&audience=data-service',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a client that is only a resource',
    body: 'grant_type=client_credentials&client_id=data-service&client_secret=',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a wrong secret by Basic',
    authorization: basic('order-service', 'x'),
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'Basic that is not Base64',
    authorization: 'Basic !!!',
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'Basic without a colon',
    authorization: `Basic ${Buffer.from('order-service').toString('base64')}`,
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'another scheme than Basic',
    authorization: `Bearer ${ORDER_SECRET}`,
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-201 an unsigned assertion beside a valid secret',
    body: `grant_type=client_credentials&${orderService}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=e30.e30.`,
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a public client with a secret',
    realm: 'users',
    body: `${johnLogin}&client_secret=x`,
    refused: [401, 'invalid_client'],
  },

  // the grant
  {
    title: 'C-195 grant_type=password outside a lab realm',
    body: 'grant_type=password&client_id=login-only&client_secret=canary-login&username=john&password=x',
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'an unknown grant',
    body: `grant_type=authorization_code&${orderService}&code=x`,
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'client_credentials for a client without service account',
    body: 'grant_type=client_credentials&client_id=login-only&client_secret=canary-login',
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'client_credentials for a public client',
    realm: 'users',
    body: 'grant_type=client_credentials&client_id=web-app',
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'a password through a client without direct access',
    realm: 'users',
    body: `grant_type=password&client_id=batch&client_secret=canary-batch&username=john&password=${JOHN_PASSWORD}`,
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'a wrong password',
    realm: 'users',
    body: 'grant_type=password&client_id=web-app&username=john&password=x',
    refused: [400, 'invalid_grant'],
  },
  {
    title: 'an unknown user',
    realm: 'users',
    body: `grant_type=password&client_id=web-app&username=jane&password=${JOHN_PASSWORD}`,
    refused: [400, 'invalid_grant'],
  },
  {
    title: 'a login without password',
    realm: 'users',
    body: 'grant_type=password&client_id=web-app&username=john&password=',
    refused: [400, 'invalid_request'],
  },

  // scope and audience
  {
    title: 'C-196 a scope that the client does not have',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:write-payments`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a granted scope beside an ungranted one',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read+data-service:write-payments`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 the scope *',
    body: `grant_type=client_credentials&${orderService}&scope=*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a scope that is never named',
    body: 'grant_type=client_credentials&client_id=quiet&client_secret=canary-quiet&scope=silent',
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'a scope of spaces',
    body: `grant_type=client_credentials&${orderService}&scope=+`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-197 an unknown audience',
    body: `grant_type=client_credentials&${orderService}&audience=payment-service`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 an unknown resource',
    body: `grant_type=client_credentials&${orderService}&resource=https://data-service.zone3.local`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a resource that is no absolute URI',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&resource=data-service',
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a resource with a fragment',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&resource=https://reports.example.com/api%23x',
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a client without any audience',
    body: 'grant_type=client_credentials&client_id=api-gateway&client_secret=canary-gateway',
    refused: [400, 'invalid_target'],
  },
];

for (const row of REFUSED) {
  const [status, error] = row.refused;
  test(`${row.title} is refused with ${status} ${error}`, async () => {
    await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
    const response = await sendTokenRequest(provider, row);
    const text = await response.text();
    assert.deepEqual([response.status, JSON.parse(text).error], [status, error]);
    assert.deepEqual(Object.keys(JSON.parse(text)), ['error', 'error_description']);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('pragma'), 'no-cache');
    assert.equal(response.headers.get('www-authenticate')?.startsWith('Basic '), status === 401 ? true : undefined);

    assert.deepEqual(
      provider.events.map(({ decision, error }) => [decision, error]),
      [['refused', error]],
    );
    assert.doesNotMatch(text + JSON.stringify(provider.events), /canary/);
  });
}

test('C-193 an unknown client and a wrong secret get the same bytes', async () => {
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
  const answers = [];
  for (const id of ['nobody', 'order-service', 'retired', 'data-service']) {
    const response = await requestToken(provider, 'services', {
      grant_type: 'client_credentials',
      client_id: id,
      client_secret: 'x',
    });
    const headers = [...response.headers].filter(([name]) => name !== 'date');
    answers.push(JSON.stringify([response.status, headers, await response.text()]));
  }
  assert.deepEqual([...new Set(answers)], answers.slice(0, 1));
});
