/**
 * Corpus A, 58 to 60: a token that is bound to a certificate or a key, RFC 8705 section 3 and RFC 9449 section 6, is worth nothing
 * without it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { startIngress } from '../support/ingress.ts';
import { type Bound, CERTIFICATES, type Holder, IDENTITIES, startBound } from './bound-sidecar.ts';
import type { OrderSidecar } from './order-sidecar.ts';

type Claims = Readonly<Record<string, unknown>>;

let bound: Bound;
let order: OrderSidecar;
before(async () => {
  bound = await startBound(IDENTITIES);
  order = bound.order;
});
after(() => bound[Symbol.asyncDispose]());

const thumbprint = (holder: Holder): string => bound.certificates[holder].thumbprint;
const cnf = (holder: Holder) => ({ 'x5t#S256': thumbprint(holder) });

type Row = readonly [title: string, code: ProblemCode, holder: Holder, claims: () => Claims];

const CONFIRMATIONS: readonly Row[] = [
  [
    "C-058 S3-014 a service's own token, bound to another certificate",
    'token_binding_mismatch',
    'order',
    () => ({ azp: 'order-service', cnf: cnf('payment') }),
  ],
  [
    "C-058 a forwarded token that is bound to its client's own certificate",
    'token_binding_mismatch',
    'gateway',
    () => ({ cnf: cnf('subjectOnly') }),
  ],
  [
    "C-058 C-060 another service's token, bound to that service's certificate",
    'token_binding_mismatch',
    'order',
    () => ({ azp: 'payment-service', cnf: cnf('payment') }),
  ],
  [
    "C-060 another service's token, bound to this certificate",
    'identity_token_mismatch',
    'order',
    () => ({ azp: 'payment-service', cnf: cnf('order') }),
  ],
  [
    'C-059 bound to a DPoP key',
    'token_binding_required',
    'order',
    () => ({ azp: 'order-service', cnf: { jkt: thumbprint('order') } }),
  ],
  [
    'C-059 bound to the certificate and to a DPoP key',
    'token_binding_required',
    'order',
    () => ({ azp: 'order-service', cnf: { ...cnf('order'), jkt: thumbprint('order') } }),
  ],
  ['C-059 bound to nothing at all', 'token_binding_required', 'order', () => ({ azp: 'order-service', cnf: {} })],
  [
    'C-059 bound by SHA-1',
    'token_binding_required',
    'order',
    () => ({ azp: 'order-service', cnf: { 'x5t#S1': thumbprint('order'), x5t: thumbprint('order') } }),
  ],
  [
    'C-059 bound to a key in the claim',
    'token_binding_required',
    'order',
    () => ({ azp: 'order-service', cnf: { jwk: order.issuerKey.jwk() } }),
  ],
  ...(
    [
      ['in other case', () => thumbprint('order').toLowerCase()],
      ['in capitals', () => thumbprint('order').toUpperCase()],
      ['of nothing', () => 'A'.repeat(43)],
      ['of the authority', () => order.zone.thumbprint],
    ] as const
  ).map(
    ([what, value]): Row => [
      `C-058 the thumbprint ${what}`,
      'token_binding_mismatch',
      'order',
      () => ({ azp: 'order-service', cnf: { 'x5t#S256': value() } }),
    ],
  ),
  ...(
    [
      ['empty', () => ''],
      ['null', () => null],
      ['in hex', () => Buffer.from(thumbprint('order'), 'base64url').toString('hex')],
      ['in hex with colons', () => 'AB:'.repeat(31) + 'AB'],
      ['in base64', () => `${thumbprint('order').slice(0, -2)}+/`],
      ['and a blank', () => `${thumbprint('order')} `],
      ['twice', () => thumbprint('order').repeat(2)],
      ['in an object', () => ({ value: thumbprint('order') })],
    ] as const
  ).flatMap(([what, value]): Row[] => [
    [
      `C-058 the thumbprint ${what}`,
      'token_claim_type',
      'order',
      () => ({ azp: 'order-service', cnf: { 'x5t#S256': value() } }),
    ],
    [`C-059 jkt ${what}`, 'token_claim_type', 'order', () => ({ azp: 'order-service', cnf: { jkt: value() } })],
  ]),
  ...(
    [
      ['X5T#S256', (right) => ({ 'X5T#S256': right })],
      ['x5t#s256', (right) => ({ 'x5t#s256': right })],
      ['kid', () => ({ kid: 'order' })],
      ['jku', () => ({ jku: 'https://evil.example/keys' })],
      ['jwe', () => ({ jwe: 'a.b.c.d.e' })],
      ['__proto__', (right) => ({ ['__proto__']: { 'x5t#S256': right } })],
    ] as readonly (readonly [string, (right: string) => object])[]
  ).map(
    ([what, member]): Row => [
      `C-059 bound by ${what}`,
      'token_binding_required',
      'order',
      () => ({ azp: 'order-service', cnf: member(thumbprint('order')) }),
    ],
  ),
  ['C-058 cnf is null', 'token_claim_type', 'order', () => ({ azp: 'order-service', cnf: null })],
  ['C-058 cnf is a text', 'token_claim_type', 'order', () => ({ azp: 'order-service', cnf: thumbprint('order') })],
  ['C-058 cnf is a list', 'token_claim_type', 'order', () => ({ azp: 'order-service', cnf: [cnf('order')] })],
  [
    'C-058 the thumbprint is a list',
    'token_claim_type',
    'order',
    () => ({ azp: 'order-service', cnf: { 'x5t#S256': [thumbprint('order')] } }),
  ],
  [
    'C-058 the thumbprint is padded',
    'token_claim_type',
    'order',
    () => ({ azp: 'order-service', cnf: { 'x5t#S256': `${thumbprint('order')}=` } }),
  ],
  [
    'C-058 the thumbprint is the beginning of the right one',
    'token_claim_type',
    'order',
    () => ({ azp: 'order-service', cnf: { 'x5t#S256': thumbprint('order').slice(0, 20) } }),
  ],
];

describe('a token that is bound to something else', () => {
  for (const [title, code, holder, claims] of CONFIRMATIONS) {
    test(`${title} is ${code}`, async () => {
      const token = order.userToken(claims());
      await order.refused(code, () => bound.send(holder, token), [token]);
    });
  }

  test('C-058 a renewed certificate is another one, although the key is the same', async () => {
    const token = order.userToken({ azp: 'order-service', cnf: cnf('order') });
    assert.equal((await bound.send('order', token)).status, 200);
    const { privateKey } = bound.certificates.order;
    const renewed = order.zone.issue({ ...CERTIFICATES.order, privateKey });
    const headers = ['Authorization', `Bearer ${token}`];
    await order.refused('token_binding_mismatch', () => order.send({ headers }, renewed), [token]);
  });

  test('C-058 without an identities table it is still worth nothing with another certificate', async () => {
    await using open = await startBound('');
    const token = open.order.userToken({
      azp: 'order-service',
      cnf: { 'x5t#S256': open.certificates.payment.thumbprint },
    });
    await open.order.refused('token_binding_mismatch', () => open.send('order', token), [token]);
  });

  test('C-058 C-059 where no client certificate is asked for it is worth nothing, and one that is not bound passes', async () => {
    await using gateway = await startIngress();
    for (const [confirmation, code] of [
      [cnf('order'), 'token_binding_mismatch'],
      [{ jkt: thumbprint('order') }, 'token_binding_required'],
    ] as const) {
      const token = gateway.token({ cnf: confirmation });
      await gateway.refused(code, () => gateway.send({ headers: ['Authorization', `Bearer ${token}`] }), [token]);
    }
    assert.equal((await gateway.send()).status, 200);
  });
});
