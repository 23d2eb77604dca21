/** What the token endpoint of a running issuer grants to nobody, or not to this client: grants, scopes, audiences. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ISSUER_REALMS, JOHN_PASSWORD } from '../support/realms.ts';
import { johnLogin, orderService } from '../support/token-request.ts';
import { startAskedIssuer } from './asked-issuer.ts';
import { describeRefused, FORM, type RefusedRow } from './refused-token-requests.ts';

const REFUSED: readonly RefusedRow[] = [
  {
    title: 'C-195 grant_type=password outside a lab realm',
    body: 'grant_type=password&client_id=login-only&client_secret=canary-login&username=john&password=x',
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password of a client that may use it nowhere',
    body: `grant_type=password&${orderService}&username=john&password=x`,
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password in capitals in a lab realm',
    realm: 'users',
    body: johnLogin.replace('=password', '=PASSWORD'),
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password with a space in a lab realm',
    realm: 'users',
    body: johnLogin.replace('=password', '=password+'),
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
    title: 'C-196 S4-113 the scope * beside a granted one',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read+*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 S4-113 a scope with a wildcard',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a granted scope in capitals',
    body: `grant_type=client_credentials&${orderService}&scope=DATA-SERVICE:READ`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 two spaces between granted scopes',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read++data-service:write`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 granted scopes joined by a comma',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read,data-service:write`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a scope whose name every object has',
    body: `grant_type=client_credentials&${orderService}&scope=constructor`,
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
    title: 'C-197 an audience in capitals',
    body: `grant_type=client_credentials&${orderService}&audience=DATA-SERVICE`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 two audiences in one parameter',
    body: `grant_type=client_credentials&${orderService}&audience=data-service+payment-service`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a known audience beside an unknown resource',
    body: `grant_type=client_credentials&${orderService}&audience=data-service&resource=urn:x`,
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

const issuer = await startAskedIssuer(ISSUER_REALMS);
after(() => issuer[Symbol.asyncDispose]());

describeRefused(issuer, REFUSED);

test('S2-33 another grant than the realm offers is 400, and its description says so', async () => {
  for (const grant of [
    'authorization_code',
    'password',
    'refresh_token',
    'CLIENT_CREDENTIALS',
    'client_credentials ',
  ]) {
    const body = `${new URLSearchParams({ grant_type: grant }).toString()}&${orderService}`;
    const { status, text } = await issuer.send({ headers: { 'content-type': FORM }, body });
    const expected = { error: 'unsupported_grant_type', error_description: 'Invalid grant type' };
    assert.deepEqual([status, JSON.parse(text)], [400, expected], grant);
  }
});

test('no output of the issuer holds a secret', () => {
  assert.doesNotMatch(issuer.output(), /canary|eyJ/);
});
