import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { authorized, type RequestParts, receivedRequest } from '../../../../tests/support/received-request.ts';
import { legacyXSignature } from '../client/legacy-x-signature.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { LegacyCoverage } from '../signatures/legacy-x-signature.ts';
import { detailError } from './detail-error.ts';
import { type LegacyXSignatureAuthenticatorOptions, legacyXSignatureAuthenticator } from './legacy-x-signature.ts';

const NOW = Date.parse('2026-11-30T20:25:00Z');
const SECRET = 'shared-key-between-services';
const NEXT = 'the-next-key-between-services';
const BODY = '{"b":1,"a":{"d":2.0,"c":"\u00e9"}}';

const hidden = (text: string) => ({ reveal: () => text });
const at = (offsetSeconds: number): string => new Date(NOW + offsetSeconds * 1000).toISOString();

function sign(timestamp: string, secret = SECRET, body = BODY): [string, string][] {
  const signature = createHmac('sha256', secret)
    .update(body + timestamp)
    .digest('hex');
  return fields(signature, timestamp);
}

function fields(signature: string, timestamp: string, service = 'service-a'): [string, string][] {
  return [
    ['X-Signature', signature],
    ['X-Timestamp', timestamp],
    ['X-Service', service],
  ];
}

function authenticator(options: Partial<LegacyXSignatureAuthenticatorOptions> = {}) {
  const { clock } = manualTime(NOW);
  return legacyXSignatureAuthenticator({
    callers: {
      'service-a': { secrets: [hidden(SECRET)], scopes: ['process'] },
      'service-c': { secrets: [hidden(NEXT)] },
    },
    replay: memoryReplayStore({ maxEntries: 100, clock }),
    runtime: { clock },
    ...options,
  });
}

type Row = readonly [title: string, code: ProblemCode, detail: string | undefined, parts: RequestParts];
const OLD = 'Request too old';
const FORGED = 'Invalid signature';
const good = sign(at(0));
const without = (name: string) => ({ headers: good.filter(([own]) => own !== name), body: BODY });
const [, [, goodTimestamp] = ['', '']] = good;
const signatureOf = (headers: readonly [string, string][]): string => headers[0]?.[1] ?? '';

const REFUSED: readonly Row[] = [
  [
    'S2-49 C-219: a timestamp older than 60 seconds',
    'signature_timestamp',
    OLD,
    { headers: sign(at(-60.001)), body: BODY },
  ],
  [
    'S2-49: a zone-less timestamp older than 60 seconds',
    'signature_timestamp',
    OLD,
    { headers: sign(at(-61).slice(0, -1)), body: BODY },
  ],
  [
    'S2-50 C-219: a timestamp beyond the skew in the future',
    'signature_timestamp',
    undefined,
    { headers: sign(at(5.001)), body: BODY },
  ],
  [
    'S2-50: a timestamp ten years ahead',
    'signature_timestamp',
    undefined,
    { headers: sign('2036-11-30T20:25:00Z'), body: BODY },
  ],
  [
    'S2-50: a timestamp of another zone, an hour behind',
    'signature_timestamp',
    OLD,
    { headers: sign('2026-11-30T20:25:00+01:00'), body: BODY },
  ],
  ...[
    '',
    'yesterday',
    String(NOW),
    String(NOW / 1000),
    '2026-11-30',
    '2026-11-30 20:25:00',
    '2026-11-31T20:25:00Z',
    '2026-11-30T25:25:00Z',
    '2026-11-30T20:25:00+0100',
    `${at(0)} `,
    'Mon, 30 Nov 2026 20:25:00 GMT',
    '+002026-11-30T20:25:00Z',
  ].map(
    (text): Row => [
      `S2-50 C-219: the timestamp ${JSON.stringify(text)}`,
      'signature_timestamp',
      undefined,
      { headers: sign(text), body: BODY },
    ],
  ),
  ['S2-51: another body', 'signature_invalid', FORGED, { headers: good, body: BODY.replace('1', '2') }],
  ['S2-51: another timestamp', 'signature_invalid', FORGED, { headers: fields(signatureOf(good), at(-1)), body: BODY }],
  [
    'S2-51: another secret',
    'signature_invalid',
    FORGED,
    { headers: sign(at(0), 'shared-key-between-others'), body: BODY },
  ],
  [
    'C-221: members in another order, where bytes are signed',
    'signature_invalid',
    FORGED,
    { headers: good, body: '{"a":{"d":2.0,"c":"\u00e9"},"b":1}' },
  ],
  [
    'C-222: a character moved from the timestamp into the body',
    'signature_timestamp',
    undefined,
    { headers: fields(signatureOf(good), goodTimestamp.slice(1)), body: `${BODY}2` },
  ],
  [
    'C-222: a character moved from the body into the timestamp',
    'signature_timestamp',
    undefined,
    { headers: fields(signatureOf(good), `}${goodTimestamp}`), body: BODY.slice(0, -1) },
  ],
  ...[
    '',
    '00',
    signatureOf(good).slice(0, -1),
    `${signatureOf(good)}0`,
    signatureOf(good).toUpperCase(),
    '\u00e9'.repeat(64),
    'z'.repeat(64),
  ].map(
    (text): Row => [
      `S2-52 C-223: the signature ${text.length} characters long, ${JSON.stringify(text.slice(0, 4))}…`,
      'signature_invalid',
      FORGED,
      { headers: fields(text, at(0)), body: BODY },
    ],
  ),
  [
    'S2-54 C-220: the name of another caller',
    'signature_invalid',
    FORGED,
    { headers: fields(signatureOf(good), at(0), 'service-c'), body: BODY },
  ],
  [
    'S2-54 C-220: the name of no caller',
    'signature_invalid',
    FORGED,
    { headers: fields(signatureOf(good), at(0), '__proto__'), body: BODY },
  ],
  ['S2-56: no X-Signature', 'signature_invalid', FORGED, without('X-Signature')],
  ['S2-56: no X-Timestamp', 'signature_invalid', FORGED, without('X-Timestamp')],
  ['S2-56: no X-Service', 'signature_invalid', FORGED, without('X-Service')],
  ['S2-56: none of the three', 'token_missing', undefined, { headers: [], body: BODY }],
  [
    'S2-56: X-Service twice',
    'signature_invalid',
    FORGED,
    { headers: [...good, ['X-Service', 'service-c']], body: BODY },
  ],
];

for (const [title, code, detail, parts] of REFUSED) {
  test(`${title} is 401 ${code}`, async () => {
    await assert.rejects(
      async () => authenticator().authenticate(receivedRequest(parts)),
      (error) => {
        assert.ok(error instanceof Problem, String(error));
        assert.equal(error.code, code);
        assert.equal(detailError(error).status, 401);
        if (detail !== undefined) assert.equal(detailError(error).detail, detail);
        return true;
      },
    );
  });
}

const CANONICAL: readonly (readonly [title: string, body: string])[] = [
  ['2.0 written as 2', '{"b":1,"a":{"d":2,"c":"\u00e9"}}'],
  ['an integer of 2⁵³ + 1 for 2⁵³', '{"b":9007199254740993}'],
  ['a decomposed character', '{"b":1,"a":{"d":2.0,"c":"e\u0301"}}'],
  ['a member twice', '{"b":1,"b":1,"a":{"d":2.0,"c":"\u00e9"}}'],
  ['no JSON', 'hello'],
  ['nothing', ''],
];
for (const [title, body] of CANONICAL) {
  test(`C-221: under canonical JSON a body with ${title} is not what was signed`, async () => {
    const { clock } = manualTime(NOW);
    const covers = 'canonical_json';
    const credentials = legacyXSignature({ service: 'service-a', secret: hidden(SECRET), covers, runtime: { clock } });
    const sent = await authorized(credentials, { body: title.includes('2⁵³') ? '{"b":9007199254740992}' : BODY });
    await assert.rejects(async () => authenticator({ covers }).authenticate(receivedRequest({ ...sent, body })), {
      code: 'signature_invalid',
    });
  });
}

test('S2-55 C-224: a signature works once, and again only for whoever signs again', async () => {
  const verifier = authenticator();
  const request = receivedRequest({ headers: good, body: BODY });
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, async () => verifier.authenticate(request)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  const later = receivedRequest({ headers: sign(at(-1)), body: BODY });
  assert.equal((await verifier.authenticate(later)).service?.name, 'service-a');
});

test('S2-55: under canonical JSON the same signature over members in another order is a replay', async () => {
  const { clock } = manualTime(NOW);
  const verifier = authenticator({ covers: 'canonical_json' });
  const sent = await authorized(
    legacyXSignature({ service: 'service-a', secret: hidden(SECRET), covers: 'canonical_json', runtime: { clock } }),
    { body: BODY },
  );
  await verifier.authenticate(receivedRequest(sent));
  await assert.rejects(
    async () => verifier.authenticate(receivedRequest({ ...sent, body: '{"a":{"c":"\u00e9","d":2.0},"b":1}' })),
    { code: 'signature_invalid', message: 'the signature was used before' },
  );
});

test('a caller has one secret, or two during a rotation, and none that is short', async () => {
  for (const secrets of [[], [hidden(SECRET), hidden(NEXT), hidden('third')]]) {
    assert.throws(() => authenticator({ callers: { 'service-a': { secrets } } }), TypeError);
  }
  const short = authenticator({ callers: { 'service-a': { secrets: [hidden('')] } } });
  const forged = receivedRequest({ headers: sign(at(0), 'k'), body: BODY });
  await assert.rejects(async () => short.authenticate(forged), { code: 'signature_invalid' });
});

test('a second secret that is not set yet signs nothing and stands in nobody’s way', async () => {
  const verifier = authenticator({ callers: { 'service-a': { secrets: [hidden(SECRET), hidden('')] } } });
  await assert.rejects(async () => verifier.authenticate(receivedRequest({ headers: sign(at(0), ''), body: BODY })), {
    code: 'signature_invalid',
  });
  assert.equal(
    (await verifier.authenticate(receivedRequest({ headers: good, body: BODY }))).service?.name,
    'service-a',
  );
});

test('during a rotation both secrets of a caller verify', async () => {
  const verifier = authenticator({ callers: { 'service-a': { secrets: [hidden(SECRET), hidden(NEXT)] } } });
  for (const secret of [SECRET, NEXT]) {
    const request = receivedRequest({ headers: sign(at(0), secret), body: BODY });
    assert.equal((await verifier.authenticate(request)).service?.name, 'service-a');
  }
});

const ACCEPTED: readonly (readonly [title: string, timestamp: string])[] = [
  ['as utcnow().isoformat() writes it, without a zone', '2026-11-30T20:24:55.123456'],
  ['without a zone and without a fraction', '2026-11-30T20:25:00'],
  ['in UTC', '2026-11-30T20:25:00Z'],
  ['of another zone', '2026-11-30T21:25:00+01:00'],
  ['60 seconds ago', at(-60)],
  ['ahead within the skew', at(5)],
];
for (const [title, timestamp] of ACCEPTED) {
  test(`S2-47: a timestamp ${title} is accepted`, async () => {
    const principal = await authenticator().authenticate(receivedRequest({ headers: sign(timestamp), body: BODY }));
    assert.deepEqual(principal, {
      proofs: ['signature'],
      service: { name: 'service-a', spiffeId: undefined },
      user: undefined,
      scopes: ['process'],
      roles: ['system'],
      claims: undefined,
    });
  });
}

test('S2-46 S2-53: what Python signed verifies, from the bytes as they came', async () => {
  const file = path.resolve(import.meta.dirname, '../../../../tests/vectors/python-x-signature.json');
  const { signed } = JSON.parse(readFileSync(file, 'utf8')) as {
    signed: { service: string; secret: string; body: string; signature: string; timestamp: string };
  };
  const callers = { [signed.service]: { secrets: [hidden(signed.secret)] } };
  const verify = (body: string) =>
    authenticator({ callers, covers: 'canonical_json' }).authenticate(
      receivedRequest({ headers: fields(signed.signature, signed.timestamp, signed.service), body }),
    );
  await assert.rejects(async () => verify(signed.body.replace('12.50', '12.51')), { code: 'signature_invalid' });
  assert.equal((await verify(signed.body)).service?.name, 'service-a');
});

for (const covers of ['raw_bytes', 'canonical_json'] as const satisfies readonly LegacyCoverage[]) {
  test(`S2-45 S2-48: a signed request carries X-Signature in hexadecimal, X-Timestamp and X-Service, and verifies over ${covers}`, async () => {
    const { clock } = manualTime(NOW);
    const credentials = legacyXSignature({ service: 'service-a', secret: hidden(SECRET), covers, runtime: { clock } });
    const sent = await authorized(credentials, { url: 'https://service-b:443/process', body: BODY });
    const headers = Object.fromEntries(sent.headers ?? []);
    assert.match(headers['x-signature'] ?? '', /^[0-9a-f]{64}$/);
    assert.equal(headers['x-timestamp'], '2026-11-30T20:25:00.000');
    assert.equal(headers['x-service'], 'service-a');
    assert.equal((await authenticator({ covers }).authenticate(receivedRequest(sent))).service?.name, 'service-a');
  });
}
