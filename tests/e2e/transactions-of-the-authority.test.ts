/** From a user's login to the policy of an inner service: what the authority writes is what the sidecar believes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICES, startBridgedRealms, TOKEN_TYPE, TRUST_DOMAIN } from '../support/bridged-realms.ts';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { sendRequest } from '../support/wire.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.txn.sub == "user-123"
	input.txn.req_wl == "api-gateway"
	input.txn.tctx.sku == "PROD-123"
	input.request.method == "POST"
	"orders:create" in split(input.txn.scope, " ")
}

allow if {
	input.txn.req_wl == "api-gateway,order-service"
	input.txn.rctx.req_ip == "192.0.2.7"
	input.request.method == "GET"
	input.txn.scope == "orders:read"
}
`;

test('the gateway swaps a user token for a transaction token, the service narrows it, and each policy sees its own', async () => {
  await using realms = await startBridgedRealms();
  const certs = `${realms.provider.url}/realms/services/protocol/openid-connect/certs`;
  await using ingress = await startIngress({
    jwt: `  transaction_tokens: { draft: draft-ietf-oauth-transaction-tokens-10, trust_domain: ${TRUST_DOMAIN}, issuer: "${SERVICES}", jwks_url: "\${TXN}" }`,
    proxy: '  routes: [{ path: /**, auth_required: false }]\n  authz: { policy_query: data.order.allow }',
    files: { '/etc/authz/policies/order.rego': POLICY },
    env: { TXN: certs },
  });
  const call = async (method: string, token: string) => {
    const { status } = await sendRequest(ingress.wire, { method, target: '/orders', headers: ['Txn-Token', token] });
    return status;
  };

  const user = await realms.userToken('orders:create orders:read');
  const form = { requested_token_type: `${TOKEN_TYPE}txn_token`, audience: TRUST_DOMAIN };
  const begun = await realms.exchange('api-gateway', user, {
    ...form,
    scope: 'orders:create orders:read',
    request_details: '{"sku":"PROD-123"}',
    request_context: '{"req_ip":"192.0.2.7"}',
  });
  const wide = String(begun.body['access_token']);
  assert.equal(await call('POST', wide), 200);
  assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'txn-token'), [wide], 'as it was received');
  assert.equal(await call('GET', wide), 403);

  const replaced = await realms.exchange('order-service', wide, {
    ...form,
    subject_token_type: `${TOKEN_TYPE}txn_token`,
    scope: 'orders:read',
  });
  const narrow = String(replaced.body['access_token']);
  assert.equal(await call('GET', narrow), 200);
  assert.equal(await call('POST', narrow), 403);

  const access = await realms.exchange('api-gateway', user);
  const headers = ['Txn-Token', String(access.body['access_token'])];
  const { body } = await sendRequest(ingress.wire, { method: 'POST', target: '/orders', headers });
  assert.equal(JSON.parse(body).code, 'transaction_token_invalid', 'an access token is no transaction token');
});
