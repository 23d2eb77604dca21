import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import { parseForwardedClientCert } from './forwarded-client-cert.ts';

for (const [title, text] of [
  ['nothing', ''],
  ['no pair', 'spiffe://acme.com/order'],
  ['an unknown key', 'Admin=true'],
  ['an empty element', 'Hash=aa,,Hash=bb'],
  ['a comma at the end', 'Hash=aa,'],
  ['a semicolon at the end', 'Hash=aa;'],
  ['a quote that is not closed', 'Subject="CN=order'],
  ['something behind a quote', 'Subject="CN=order"x;Hash=aa'],
  ['a quote inside a plain value', 'Subject=CN="order"'],
  ['two subjects', 'Subject="CN=order";Subject="CN=admin"'],
  ['two hashes, in other case', 'Hash=aa;hash=bb'],
  ['a blank before a key', 'Hash=aa; URI=spiffe://acme.com/order'],
  ['a certificate that is not percent-encoded', 'Cert="%E0%A4%A"'],
  ['more than the limit', `Subject="CN=${'x'.repeat(65_536)}"`],
] as const) {
  test(`${title} is refused`, () => {
    assert.throws(
      () => parseForwardedClientCert(text),
      (error) => error instanceof Problem && error.code === 'peer_identity_invalid',
    );
  });
}

const NONE = { by: [], hash: undefined, cert: undefined, chain: undefined, subject: undefined, uris: [], dns: [] };
for (const [title, text, expected] of [
  [
    'S0-14 By, Hash, Subject and URI',
    'By=spiffe://acme.com/payment;Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688;Subject="CN=order-service,O=Acme";URI=spiffe://acme.com/order',
    [
      {
        ...NONE,
        by: ['spiffe://acme.com/payment'],
        hash: '468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688',
        subject: 'CN=order-service,O=Acme',
        uris: ['spiffe://acme.com/order'],
      },
    ],
  ],
  [
    'S0-14 several elements, the oldest first',
    'URI=spiffe://acme.com/gateway,By=spiffe://acme.com/payment;URI=spiffe://acme.com/order',
    [
      { ...NONE, uris: ['spiffe://acme.com/gateway'] },
      { ...NONE, by: ['spiffe://acme.com/payment'], uris: ['spiffe://acme.com/order'] },
    ],
  ],
  [
    'S0-14 quoted values keep commas, semicolons and escaped quotes',
    'Subject="O=\\"Acme, Inc.\\";CN=a\\\\b";DNS=a.acme.com;DNS=b.acme.com',
    [{ ...NONE, subject: 'O="Acme, Inc.";CN=a\\b', dns: ['a.acme.com', 'b.acme.com'] }],
  ],
  ['keys in any case, and values that are empty', 'hash=aa;URI=;SUBJECT=""', [{ ...NONE, hash: 'aa' }]],
  [
    'percent-encoded certificates',
    'Cert="-----BEGIN%20A-----%0A";Chain=x%2By',
    [{ ...NONE, cert: '-----BEGIN A-----\n', chain: 'x+y' }],
  ],
] as const) {
  test(`${title} are read`, () => assert.deepEqual(parseForwardedClientCert(text), expected));
}
