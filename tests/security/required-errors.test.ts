/** The errors that each specification asks a token endpoint for, in its own words: one row each, with the status it gives them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { createDpopKey, createDpopNonces } from '@sidegate/sdk';
import {
  EXCHANGE,
  JWT_BEARER,
  SERVICES,
  startBridgedRealms,
  TOKEN_TYPE,
  TRUST_DOMAIN,
} from '../support/bridged-realms.ts';
import { requestToken } from '../support/identity-provider.ts';
import { basic } from '../support/token-request.ts';

const nonces = createDpopNonces({ secret: randomBytes(32), clock: { now: () => Date.now() } });
const realms = await startBridgedRealms({
  nonces,
  clients: [
    {
      clientId: 'bound',
      serviceAccountsEnabled: true,
      secret: 'canary-bound',
      attributes: { 'tls.client.certificate.bound.access.tokens': 'true', 'sidegate.targets': 'order-service' },
    },
    { clientId: 'people-only', directAccessGrantsEnabled: true, secret: 'canary-people-only' },
    { clientId: 'nowhere', serviceAccountsEnabled: true, secret: 'canary-nowhere' },
  ],
});
after(() => realms[Symbol.asyncDispose]());

const TOKEN = `${SERVICES}/protocol/openid-connect/token`;
const own = { grant_type: 'client_credentials' };
const gateway = { client_id: 'api-gateway', client_secret: 'canary-api-gateway' };
const by = (id: string) => ({ client_id: id, client_secret: `canary-${id}` });
const exchange = { grant_type: EXCHANGE, subject_token_type: `${TOKEN_TYPE}access_token` };
const proof = (url = TOKEN) => ({ dpop: createDpopKey().prove({ method: 'POST', url }, Date.now()) });
const user = await realms.userToken();

interface Row {
  readonly rule: string;
  readonly when: string;
  readonly status?: number;
  readonly error: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** A field that the answer must have. */
  readonly field?: readonly [name: string, value: RegExp];
}

const ROWS: readonly Row[] = [
  // RFC 6749 section 5.2
  { rule: 'RFC 6749 section 5.2', when: 'a parameter is missing', error: 'invalid_request', form: gateway },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the client uses two methods',
    error: 'invalid_request',
    form: { ...own, ...gateway },
    headers: { authorization: basic('api-gateway', 'x') },
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the client is unknown',
    status: 401,
    error: 'invalid_client',
    form: { ...own, client_id: 'x', client_secret: 'x' },
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the client came by Authorization: the answer names its scheme',
    status: 401,
    error: 'invalid_client',
    form: own,
    headers: { authorization: basic('api-gateway', 'x') },
    field: ['www-authenticate', /^Basic realm="/],
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the client did not authenticate',
    status: 401,
    error: 'invalid_client',
    form: own,
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the client may not use the grant',
    error: 'unauthorized_client',
    form: { ...own, ...by('people-only') },
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the grant is unknown',
    error: 'unsupported_grant_type',
    form: { ...gateway, grant_type: 'refresh_token', refresh_token: 'x' },
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the scope is unknown',
    error: 'invalid_scope',
    form: { ...own, ...gateway, scope: 'x' },
  },
  {
    rule: 'RFC 6749 section 5.2',
    when: 'the scope is malformed',
    error: 'invalid_scope',
    form: { ...own, ...gateway, scope: 'orders:read"' },
  },
  {
    rule: 'RFC 6749 section 5.1',
    when: 'it refuses, too, nothing is stored',
    error: 'invalid_request',
    form: {},
    field: ['cache-control', /^no-store$/],
  },
  // RFC 8707 section 2
  {
    rule: 'RFC 8707 section 2',
    when: 'the resource is unknown',
    error: 'invalid_target',
    form: { ...own, ...gateway, resource: 'https://unknown.example.com' },
  },
  {
    rule: 'RFC 8707 section 2',
    when: 'the resource is relative',
    error: 'invalid_target',
    form: { ...own, ...gateway, resource: '/orders' },
  },
  {
    rule: 'RFC 8707 section 2',
    when: 'the resource has a fragment',
    error: 'invalid_target',
    form: { ...own, ...gateway, resource: 'https://a.example.com/#x' },
  },
  {
    rule: 'RFC 8707 section 2',
    when: 'the client has no audience at all',
    error: 'invalid_target',
    form: { ...own, ...by('nowhere') },
  },
  // RFC 7521 section 4.2.1 and RFC 7523 section 3
  {
    rule: 'RFC 7521 section 4.2.1',
    when: 'the client assertion is not valid',
    status: 401,
    error: 'invalid_client',
    form: {
      ...own,
      client_assertion: 'x',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    },
  },
  {
    rule: 'RFC 7521 section 4.1.1',
    when: 'the assertion is not valid',
    error: 'invalid_grant',
    form: { ...by('bearer'), grant_type: JWT_BEARER, assertion: 'x' },
  },
  {
    rule: 'RFC 7523 section 3.1',
    when: 'the assertion is for another server',
    error: 'invalid_grant',
    form: {
      ...by('bearer'),
      grant_type: JWT_BEARER,
      assertion: realms.partnerToken({ aud: 'https://other.example.com' }, { header: { typ: 'JWT' } }),
    },
  },
  // RFC 8693 section 2.2.2
  {
    rule: 'RFC 8693 section 2.1',
    when: 'there is no subject token',
    error: 'invalid_request',
    form: { ...exchange, ...gateway },
  },
  {
    rule: 'RFC 8693 section 2.1',
    when: 'an actor token has no type',
    error: 'invalid_request',
    form: { ...exchange, ...gateway, subject_token: user, actor_token: user },
  },
  {
    rule: 'RFC 8693 section 2.2.2',
    when: 'the subject token is not valid',
    error: 'invalid_request',
    form: { ...exchange, ...gateway, subject_token: 'x' },
  },
  {
    rule: 'RFC 8693 section 2.2.2',
    when: 'the actor token is not valid',
    error: 'invalid_request',
    form: { ...exchange, ...gateway, subject_token: user, actor_token: 'x', actor_token_type: `${TOKEN_TYPE}jwt` },
  },
  {
    rule: 'RFC 8693 section 2.2.2',
    when: 'the policy does not accept the subject token',
    error: 'invalid_request',
    form: { ...exchange, ...by('order-service'), subject_token: user },
  },
  {
    rule: 'RFC 8693 section 2.2.2',
    when: 'the target is not one for the client',
    error: 'invalid_target',
    form: { ...exchange, ...gateway, subject_token: user, audience: 'archive' },
  },
  {
    rule: 'RFC 8693 section 5',
    when: 'more scope is asked for than the subject token has',
    error: 'invalid_scope',
    form: { ...exchange, ...gateway, subject_token: realms.partnerToken(), scope: 'orders:create' },
  },
  // RFC 8705
  {
    rule: 'RFC 8705 section 3',
    when: 'tokens are bound to a certificate and there is none',
    error: 'invalid_request',
    form: { ...own, ...by('bound'), audience: 'order-service' },
  },
  // RFC 9449
  {
    rule: 'RFC 9449 section 5',
    when: 'the proof is not valid',
    error: 'invalid_dpop_proof',
    form: { ...own, ...gateway },
    headers: { dpop: 'x' },
  },
  {
    rule: 'RFC 9449 section 4.3',
    when: 'the proof is for another URI',
    error: 'invalid_dpop_proof',
    form: { ...own, ...gateway },
    headers: proof('https://other.example.com'),
  },
  {
    rule: 'RFC 9449 section 8',
    when: 'the proof has no nonce: the answer brings one',
    error: 'use_dpop_nonce',
    form: { ...own, ...gateway },
    headers: proof(),
    field: ['dpop-nonce', /^[\w-]{43}$/],
  },
  // draft-ietf-oauth-transaction-tokens-10
  {
    rule: 'transaction tokens, request',
    when: 'the audience is not the trust domain',
    error: 'invalid_target',
    form: {
      ...exchange,
      ...gateway,
      subject_token: user,
      requested_token_type: `${TOKEN_TYPE}txn_token`,
      audience: 'order-service',
      scope: 'orders:read',
    },
  },
  {
    rule: 'transaction tokens, scope processing',
    when: 'the scope of the subject token is unknown',
    error: 'invalid_scope',
    form: {
      ...exchange,
      ...gateway,
      subject_token: realms.partnerToken({ scope: undefined }),
      requested_token_type: `${TOKEN_TYPE}txn_token`,
      audience: TRUST_DOMAIN,
      scope: 'orders:read',
    },
  },
];

describe('a required error', () => {
  for (const { rule, when, status = 400, error, form, headers = {}, field } of ROWS) {
    test(`of ${rule} when ${when} is ${status} ${error}`, async () => {
      const response = await requestToken(realms.provider, 'services', form, headers);
      const text = await response.text();
      const body = JSON.parse(text) as Record<string, unknown>;
      assert.deepEqual([response.status, body['error']], [status, error], text);
      // RFC 6749 appendix A.7 and A.8: what both members may hold
      for (const said of [body['error'], body['error_description']])
        assert.match(String(said), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
      assert.equal(response.headers.get('content-type'), 'application/json');
      if (field !== undefined) assert.match(response.headers.get(field[0]) ?? '', field[1]);
      assert.doesNotMatch(text, /canary|eyJ/);
    });
  }
});
