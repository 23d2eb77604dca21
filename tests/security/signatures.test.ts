/** Corpus I: signed requests at a real server, changed by whoever stands between. Every refusal is 401, none is a fault of ours. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { memoryReplayStore, type ProblemCode } from '@sidegate/sdk';
import { legacyXSignatureAuthenticator } from '@sidegate/sdk/server';
import { contentDigest } from '@sidegate/sdk/signatures';
import { type AuthenticatedService, startAuthenticatedService } from '../support/authenticated-service.ts';
import { COVERED, type SignedCall, signedCall, signingAuthenticator, wireOf } from '../support/signed-calls.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const SECRET = 'shared-key-between-services';
const clock = { now: () => Date.now() };
const seconds = (): number => Math.floor(Date.now() / 1000);

let signed: AuthenticatedService;
let legacy: AuthenticatedService;
before(async () => {
  signed = await startAuthenticatedService({
    authenticator: signingAuthenticator(memoryReplayStore({ maxEntries: 10_000, clock })),
  });
  legacy = await startAuthenticatedService({
    authenticator: legacyXSignatureAuthenticator({
      callers: { 'service-a': { secrets: [{ reveal: () => SECRET }] } },
      replay: memoryReplayStore({ maxEntries: 10_000, clock }),
    }),
  });
});
after(async () => {
  await signed[Symbol.asyncDispose]();
  await legacy[Symbol.asyncDispose]();
});

async function outcome(service: AuthenticatedService, request: WireRequest): Promise<string> {
  const { status, body } = await sendRequest(service, request);
  const { code = '', caller = '' } = JSON.parse(body) as { code?: string; caller?: string };
  return `${status} ${code}${caller}`;
}

type Change = (call: SignedCall) => SignedCall;
type Row = readonly [title: string, code: ProblemCode, make: () => SignedCall];

const changed =
  (change: Change, make: () => SignedCall = signedCall): (() => SignedCall) =>
  () =>
    change(make());
const input = (change: (text: string) => string): (() => SignedCall) =>
  changed((call) => ({ ...call, input: change(call.input) }));
const body = (text: string, digest: 'kept' | 'renewed'): (() => SignedCall) =>
  changed((call) => ({
    ...call,
    body: text,
    digest: digest === 'kept' ? call.digest : contentDigest(Buffer.from(text)),
  }));

const BODIES: readonly (readonly [title: string, body: string])[] = [
  ['its members in another order', '{"currency":"EUR","amount":1}'],
  ['1.0 for 1', '{"amount":1.0,"currency":"EUR"}'],
  ['a key twice', '{"amount":1,"amount":1,"currency":"EUR"}'],
  ['2⁵³+1', '{"amount":9007199254740993,"currency":"EUR"}'],
  ['a decomposed character', '{"amount":1,"currency":"E\u0301UR"}'],
];

const ROWS: readonly Row[] = [
  ['C-219 a signature of the future', 'signature_timestamp', () => signedCall({ created: seconds() + 30 })],
  ['C-219 a signature that is stale', 'signature_timestamp', () => signedCall({ created: seconds() - 90 })],
  [
    'C-219 a signature that has expired',
    'signature_timestamp',
    () => signedCall({ created: seconds() - 30, expires: seconds() - 10 }),
  ],
  ['C-219 a time in milliseconds', 'signature_timestamp', () => signedCall({ created: Date.now() })],
  [
    'C-219 a date without a zone for a time',
    'signature_timestamp',
    input((text) => text.replace(/created=\d+/, 'created="2026-11-30T20:25:00"')),
  ],
  ['C-219 no time', 'signature_timestamp', input((text) => text.replace(/created=\d+;/, ''))],
  ['C-220 another method', 'signature_invalid', changed((call) => ({ ...call, method: 'PUT' }))],
  ['C-220 another path', 'signature_invalid', changed((call) => ({ ...call, target: '/refunds?tenant=1' }))],
  ['C-220 another query', 'signature_invalid', changed((call) => ({ ...call, target: '/charges?tenant=2' }))],
  ['C-220 another host', 'signature_invalid', changed((call) => ({ ...call, host: 'refunds.example' }))],
  [
    'C-220 a request that was signed for another host',
    'signature_invalid',
    () => signedCall({ host: 'refunds.example' }),
  ],
  ['C-220 the key id of another caller', 'signature_invalid', input((text) => text.replace('"orders"', '"billing"'))],
  ['C-220 the key id of nobody', 'signature_invalid', input((text) => text.replace('"orders"', '"nobody"'))],
  ...BODIES.map(
    ([title, text]): Row => [
      `C-221 a body with ${title} and its own digest`,
      'signature_invalid',
      body(text, 'renewed'),
    ],
  ),
  ['C-222 nothing covered', 'signature_insufficient_coverage', () => signedCall({ components: [] })],
  [
    'C-222 sig1=() for what was covered',
    'signature_insufficient_coverage',
    input((text) => text.replace(/\([^)]*\)/, '()')),
  ],
  ...COVERED.map(
    (name): Row => [
      `C-222 ${name} not covered`,
      'signature_insufficient_coverage',
      () => signedCall({ components: COVERED.filter((other) => other !== name) }),
    ],
  ),
  ...BODIES.map(
    ([title, text]): Row => [
      `C-223 a body with ${title} under the digest that was signed`,
      'digest_mismatch',
      body(text, 'kept'),
    ],
  ),
  [
    'C-223 a component parameter that nobody knows',
    'signature_invalid',
    input((text) => text.replace('"@method"', '"@method";foo')),
  ],
  ['C-223 a label twice', 'signature_invalid', input((text) => `${text}, ${text}`)],
  ['C-223 an algorithm that is not that of the key', 'signature_invalid', input((text) => `${text};alg="hmac-sha256"`)],
  [
    'C-223 a truncated MAC',
    'signature_invalid',
    changed(
      (call) => ({ ...call, signature: 'sig1=:AAAAAAAAAAAAAAAAAAAAAA==:' }),
      () => signedCall({ keyid: 'billing' }),
    ),
  ],
  [
    'C-223 an empty MAC',
    'signature_invalid',
    changed(
      (call) => ({ ...call, signature: 'sig1=::' }),
      () => signedCall({ keyid: 'billing' }),
    ),
  ],
];
for (const [title, code, make] of ROWS) {
  test(`${title} is 401 ${code}`, async () => {
    assert.equal(await outcome(signed, wireOf(make())), `401 ${code}`);
  });
}

test('C-222 C-223 fields that are cut anywhere are refused, and the server stays', async () => {
  const call = signedCall();
  for (let end = 0; end < call.input.length; end += 7) {
    const answer = await outcome(signed, wireOf({ ...call, input: call.input.slice(0, end) }));
    assert.match(answer, /^40[01] (?:signature_\w+|invalid_request)$/);
  }
  assert.equal(await outcome(signed, wireOf(call)), '200 order-service');
});

function legacyRequest(timestamp: string, sentBody = '{"a":1}', sentTimestamp = timestamp): WireRequest {
  const signature = createHmac('sha256', SECRET).update(`{"a":1}${timestamp}`).digest('hex');
  const headers = ['X-Signature', signature, 'X-Timestamp', sentTimestamp, 'X-Service', 'service-a'];
  return { method: 'POST', target: '/process', headers, body: sentBody };
}
const isoIn = (offsetSeconds: number): string => new Date(Date.now() + offsetSeconds * 1000).toISOString();

type LegacyRow = readonly [title: string, code: ProblemCode, make: () => WireRequest];
const LEGACY: readonly LegacyRow[] = [
  ['C-219 X-Signature of the future', 'signature_timestamp', () => legacyRequest(isoIn(30))],
  ['C-219 X-Signature that is stale', 'signature_timestamp', () => legacyRequest(isoIn(-90))],
  ['C-219 X-Signature in milliseconds', 'signature_timestamp', () => legacyRequest(String(Date.now()))],
  [
    'C-221 X-Signature with the body in another spelling',
    'signature_invalid',
    () => legacyRequest(isoIn(0), '{"a": 1}'),
  ],
  [
    'C-222 X-Signature with a character moved into the body',
    'signature_timestamp',
    () => {
      const timestamp = isoIn(0);
      return legacyRequest(timestamp, `{"a":1}${timestamp[0]}`, timestamp.slice(1));
    },
  ],
  [
    'C-222 X-Signature with a character moved into the timestamp',
    'signature_timestamp',
    () => {
      const timestamp = isoIn(0);
      return legacyRequest(timestamp, '{"a":1', `}${timestamp}`);
    },
  ],
];
for (const [title, code, make] of LEGACY) {
  test(`${title} is 401 ${code}`, async () => {
    assert.equal(await outcome(legacy, make()), `401 ${code}`);
  });
}

test('both schemes let in who signed as agreed, under the name that its key has', async () => {
  assert.equal(await outcome(signed, wireOf(signedCall())), '200 order-service');
  assert.equal(await outcome(signed, wireOf(signedCall({ keyid: 'billing' }))), '200 billing-service');
  assert.equal(await outcome(legacy, legacyRequest(isoIn(0))), '200 service-a');
});
