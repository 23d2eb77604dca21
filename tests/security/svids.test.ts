/** JWT-SVIDs as tokens (JWT-SVID section 4): a workload's own name, by the keys of a trust domain that is configured, and no other. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from '../support/tokens.ts';
import type { WireAnswer } from '../support/wire.ts';
import { type Bound, CERTIFICATES, IDENTITIES, startBound } from './bound-sidecar.ts';
import { startOrderSidecar } from './order-sidecar.ts';

const DOMAIN = 'example.org';
const ORDER = `spiffe://${DOMAIN}/zone2/order-service`;
const key = createSigningKey('ES256', 'svid-1');
const x509Key = createSigningKey('ES256', 'x509-1');
const signing = createSigningKey('ES256', 'sig-1');
const federated = createSigningKey('ES256', 'svid-2');

const JWT = `jwt:
  issuer: https://keycloak.example.com/realms/users
  audience: order-service
  jwks_url: \${JWKS}
  trust_domains:
    - { trust_domain: ${DOMAIN}, audience: "spiffe://${DOMAIN}/zone2/order-service", bundle_url: "\${BUNDLE}" }
    - { trust_domain: partner.example, audience: order-service, bundle_file: /etc/certs/partner.json }`;

const BUNDLE = keySetBytes(
  key.jwk({ use: 'jwt-svid', alg: undefined }),
  x509Key.jwk({ use: 'x509-svid', alg: undefined }),
  signing.jwk({ alg: undefined }),
);
const PARTNER = keySetBytes(federated.jwk({ use: 'jwt-svid' }));

type Changes = Readonly<Record<string, unknown>>;

function svid(changes: Changes = {}, options: Partial<MintOptions> = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { sub: ORDER, aud: [ORDER], iat, exp: iat + 300 };
  return mint({ ...claims, ...changes }, { key, ...options, header: { typ: 'JWT', ...options.header } });
}

let bundles: JwksServer;
let bound: Bound;
before(async () => {
  bundles = await startJwksServer((_, response) => void response.end(BUNDLE));
  bound = await startBound(IDENTITIES, { jwt: JWT, ...given() });
});
after(async () => {
  await bound[Symbol.asyncDispose]();
  await bundles[Symbol.asyncDispose]();
});

function given() {
  return {
    files: { '/etc/certs/partner.json': PARTNER.toString() },
    env: { BUNDLE: `${bundles.origin}/bundle` },
  };
}

const by = (of: SigningKey): Partial<MintOptions> => ({ key: of });

const REFUSED: readonly (readonly [what: string, code: ProblemCode, token: () => string])[] = [
  ['of a trust domain that is not configured', 'token_issuer_mismatch', () => svid({ sub: 'spiffe://evil.example/a' })],
  [
    'of a trust domain below',
    'token_issuer_mismatch',
    () => svid({ sub: `spiffe://sub.${DOMAIN}/zone2/order-service` }),
  ],
  ['of a trust domain in capitals', 'token_issuer_mismatch', () => svid({ sub: ORDER.replace('example', 'EXAMPLE') })],
  [
    'of a partner, signed by our own trust domain',
    'token_key_not_found',
    () => svid({ sub: 'spiffe://partner.example/a', aud: 'order-service' }),
  ],
  ['of ours, signed by a partner', 'token_key_not_found', () => svid({}, by(federated))],
  ['of ours, signed by the issuer of users', 'token_key_not_found', () => svid({}, by(bound.order.issuerKey))],
  ['signed by a key for X.509-SVIDs', 'token_key_not_found', () => svid({}, by(x509Key))],
  ['signed by a key for other signatures', 'token_key_not_found', () => svid({}, by(signing))],
  [
    'signed by a stranger under the same kid',
    'token_signature_invalid',
    () => svid({}, by(createSigningKey('ES256', 'svid-1'))),
  ],
  ['that nobody signed', 'token_alg_not_allowed', () => svid({}, { header: { alg: 'none' } })],
  ['signed with Ed25519', 'token_alg_not_allowed', () => svid({}, by(createSigningKey('EdDSA', 'svid-1')))],
  ['of the type of access tokens', 'token_typ_mismatch', () => svid({}, { header: { typ: 'at+jwt' } })],
  ['of another type', 'token_typ_mismatch', () => svid({}, { header: { typ: 'wit+jwt' } })],
  ['for another workload', 'token_aud_mismatch', () => svid({ aud: [`spiffe://${DOMAIN}/zone2/payment-service`] })],
  ['for the audience of another trust domain', 'token_aud_mismatch', () => svid({ aud: 'order-service' })],
  ['for nobody', 'token_aud_missing', () => svid({ aud: [] })],
  ['that never expires', 'token_exp_missing', () => svid({ exp: undefined })],
  ['that has expired', 'token_expired', () => svid({ iat: 1_700_000_000, exp: 1_700_000_300 })],
  ['that lives for a day', 'token_lifetime_exceeded', () => svid({ exp: Math.floor(Date.now() / 1000) + 86_400 })],
  ['of the trust domain itself', 'token_issuer_mismatch', () => svid({ sub: `spiffe://${DOMAIN}` })],
  ['of no SPIFFE ID', 'token_issuer_mismatch', () => svid({ sub: 'order-service' })],
  ['of a path that is none', 'token_issuer_mismatch', () => svid({ sub: `${ORDER}/../payment-service` })],
  ['without a subject', 'token_issuer_mismatch', () => svid({ sub: undefined })],
  [
    "of another workload than the certificate's",
    'identity_token_mismatch',
    () => svid({ sub: `spiffe://${DOMAIN}/zone2/payment-service` }),
  ],
  [
    'of a partner beside a certificate of ours',
    'identity_token_mismatch',
    () => svid({ sub: 'spiffe://partner.example/zone2/order-service', aud: 'order-service' }, by(federated)),
  ],
  [
    "that claims to be the certificate's client",
    'identity_token_mismatch',
    () => svid({ sub: `spiffe://${DOMAIN}/zone2/payment-service`, azp: 'order-service', client_id: 'order-service' }),
  ],
  ['that is bound to a key', 'token_binding_required', () => svid({ cnf: { jkt: 'A'.repeat(43) } })],
];

describe('S4-083 a JWT-SVID', () => {
  for (const [what, code, token] of REFUSED) {
    test(`S4-083 ${what} is ${code}`, async () => {
      const text = token();
      await bound.order.refused(code, () => bound.send('order', text), [text]);
    });
  }

  test('S4-083 an access token with a SPIFFE ID for its subject is no JWT-SVID', async () => {
    const token = bound.order.userToken({ sub: ORDER, azp: 'payment-service' });
    await bound.order.refused('identity_token_mismatch', () => bound.send('order', token), [token]);
  });

  for (const typ of ['JWT', 'JOSE', undefined]) {
    test(`S4-083 of type ${typ} passes beside the certificate of the same SPIFFE ID, and speaks for no user`, async () => {
      const answer = await bound.send('order', svid({}, { header: { typ } }));
      assert.equal(answer.status, 200, answer.raw);
      const record = bound.order.sidecar.audit.at(-1) ?? {};
      assert.equal(record['user_id'], undefined);
      assert.deepEqual(record['token'], {
        issuer: `spiffe://${DOMAIN}`,
        audience: [ORDER],
        client_id: ORDER,
        scope: '',
        kid: 'svid-1',
      });
    });
  }

  test('S4-083 of a partner passes where no certificate is bound to it, by the keys of its file', async () => {
    const options = { jwt: JWT, identities: '', allowedClients: CERTIFICATES.order.uris, ...given() };
    await using order = await startOrderSidecar(options);
    const certificate = order.zone.issue(CERTIFICATES.order);
    const token = svid({ sub: 'spiffe://partner.example/billing', aud: 'order-service' }, by(federated));
    const send = (text: string): Promise<WireAnswer> =>
      order.send({ target: '/orders', headers: ['Authorization', `Bearer ${text}`] }, certificate);
    assert.equal((await send(token)).status, 200);
    await order.refused('token_key_not_found', () => send(svid({}, by(federated))));
  });

  test('S4-083 is refused where no trust domain is configured', async () => {
    await using plain = await startBound(IDENTITIES);
    const token = svid();
    await plain.order.refused('token_issuer_mismatch', () => plain.send('order', token), [token]);
  });
});
