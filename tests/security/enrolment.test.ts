/** Who asks the authority for more than its join token says, with what, and what becomes of it: nothing is issued. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { createSigningRequest, readCertificate } from '@sidegate/sdk';
import { CannotOpen, type Sealing } from '../../packages/sidegate/src/authority/keys/sealing.ts';
import type { Database, Queries } from '../../packages/sidegate/src/authority/store/database.ts';
import { storedRevocations } from '../../packages/sidegate/src/authority/store/revocations.ts';
import { IN_MEMORY, openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { HOUR_MS, ORDER_SERVICE, startEnrolment, type TestEnrolment, TRUST_DOMAIN } from '../support/enrolment.ts';
import { type ForgedRequest, forgeRequest } from '../support/forged-requests.ts';
import type { WireAnswer } from '../support/wire.ts';

const codeOf = ({ status, body }: WireAnswer): readonly [number, unknown] => [
  status,
  (JSON.parse(body) as { error?: unknown }).error,
];

const DECADE_SECONDS = 10 * 365 * 86_400;
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

describe('a request is refused as csr_rejected that', () => {
  const ROWS: readonly (readonly [title: string, forged: ForgedRequest, ttlSeconds?: number])[] = [
    ['asks for the DNS name of another service', { dns: ['data-service.zone3.local'] }],
    ['asks for its own name and one more', { dns: ['order-service.zone2.local', 'payment.zone2.local'] }],
    ['asks for a wildcard', { dns: ['*.zone2.local'] }],
    ['asks for its name with a NUL in it', { dns: ['order-service.zone2.local\0.evil.example'] }],
    ['asks for its name in another case', { dns: ['ORDER-SERVICE.zone2.local'] }],
    ['asks for the SPIFFE ID of another service', { uris: ['spiffe://example.org/zone2/payment-service'] }],
    ['asks for the SPIFFE ID of another zone', { uris: ['spiffe://example.org/zone1/order-service'] }],
    ['asks for its SPIFFE ID and a second one', { uris: ['spiffe://example.org/zone2/order-service', 'spiffe://a/b'] }],
    ['asks for another address', { ips: [[10, 0, 0, 1]] }],
    ['asks for an e-mail address', { emails: ['root@example.org'] }],
    ['asks for another common name', { commonNames: ['payment-service'] }],
    ['asks for a second common name', { commonNames: ['order-service', 'admin'] }],
    ['asks to be an authority', { authority: true }],
    ['asks for a key that signs certificates', { keyUsage: 0x04 }],
    ['asks for a key that signs revocation lists', { keyUsage: 0x02 }],
    ['asks for the purpose of signing code', { extendedKeyUsage: [CODE_SIGNING] }],
    ['asks for an extension that nobody offers', { extension: '2.5.29.32' }],
    ['asks for name constraints', { extension: '2.5.29.30' }],
    ['asks for ten years', {}, DECADE_SECONDS],
    ['asks for a second more than its identity has', {}, 24 * 3600 + 1],
    ['asks for no time at all', {}, 0],
    ['asks for a time before now', {}, -3600],
  ];
  for (const [title, forged, ttlSeconds] of ROWS) {
    test(`C-206 ${title}`, async () => {
      await using enrolment = await startEnrolment();
      const join_token = await enrolment.token();
      const asked = {
        csr: forgeRequest(forged),
        join_token,
        ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
      };
      assert.deepEqual(codeOf(await enrolment.post('/ca/enrol', asked)), [400, 'csr_rejected']);
      assert.equal(await enrolment.issued(), 0);
      const good = await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token, ttl_seconds: 3600 });
      assert.equal(good.status, 200, 'the token was not used');
    });
  }
});

test('C-206 what is asked for within the identity is granted, and the certificate says what the token says', async () => {
  await using enrolment = await startEnrolment();
  for (const forged of [
    {},
    { dns: ['order-service.zone2.local'] },
    { ips: [[127, 0, 0, 1]], uris: ['spiffe://example.org/zone2/order-service'] },
    { commonNames: ['order-service.zone2.local'], keyUsage: 0x80, extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] },
    { commonNames: [] },
  ] satisfies ForgedRequest[]) {
    const answer = await enrolment.post('/ca/enrol', {
      csr: forgeRequest(forged),
      join_token: await enrolment.token(),
    });
    assert.equal(answer.status, 200, answer.body);
    const { certificate_chain: chain } = JSON.parse(answer.body) as { certificate_chain: string };
    const certificate = readCertificate(new X509Certificate(chain).raw);
    assert.deepEqual(
      certificate.subjectAltNames.map(({ kind, value }) => `${kind}:${value}`),
      ['dns:order-service.zone2.local', 'ip:127.0.0.1', 'uri:spiffe://example.org/zone2/order-service'],
    );
    assert.deepEqual([certificate.isAuthority, [...(certificate.keyUsage ?? [])]], [false, ['digitalSignature']]);
  }
});

describe('a request is refused as csr_rejected whose', () => {
  const rsa = (modulusLength: number, publicExponent = 65_537) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
  const ROWS: readonly (readonly [title: string, () => string])[] = [
    ['signature is made by another key', () => forgeRequest({ signedBy: ec('P-256') })],
    ['signature is made by a key of another kind', () => forgeRequest({ signedBy: rsa(2048) })],
    ['signature names another algorithm', () => forgeRequest({ algorithm: '1.2.840.113549.1.1.11' })],
    ['signature is made with SHA-1', () => forgeRequest({ hash: 'sha1' })],
    ['RSA signature is made with SHA-1', () => forgeRequest({ privateKey: rsa(2048), hash: 'sha1' })],
    ['RSA key has 1024 bits', () => forgeRequest({ privateKey: rsa(1024) })],
    ['RSA key has the exponent 3', () => forgeRequest({ privateKey: rsa(2048, 3) })],
    ['RSA key has more than 4096 bits', () => forgeRequest({ privateKey: rsa(4104) })],
    ['key is on P-192', () => forgeRequest({ privateKey: ec('prime192v1') })],
    ['key is on secp256k1', () => forgeRequest({ privateKey: ec('secp256k1') })],
    ['extensions are there twice', () => forgeRequest({ dns: ['order-service.zone2.local'], extensionsTwice: true })],
    ['bytes are none', () => 'hello'],
    ['block is a certificate', () => createTestAuthority('zone2-CA').certPem],
    ['block comes twice', () => forgeRequest() + forgeRequest()],
    [
      'size is 40 KiB',
      () => forgeRequest({ dns: Array.from({ length: 1000 }, (_, i) => `${i}.a-long-name.zone2.local`) }),
    ],
  ];
  for (const [title, forge] of ROWS) {
    test(`C-207 ${title}`, async () => {
      await using enrolment = await startEnrolment();
      const asked = { csr: forge(), join_token: await enrolment.token() };
      assert.deepEqual(codeOf(await enrolment.post('/ca/enrol', asked)), [400, 'csr_rejected']);
      assert.equal(await enrolment.issued(), 0);
    });
  }
  for (const [title, privateKey] of [
    ['P-384', ec('P-384')],
    ['Ed25519', generateKeyPairSync('ed25519').privateKey],
    ['RSA of 2048 bits', rsa(2048)],
  ] as const) {
    test(`C-207 a request with a key of the kind ${title} is not refused`, async () => {
      await using enrolment = await startEnrolment();
      const csr = forgeRequest({ privateKey, hash: privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256' });
      const answer = await enrolment.post('/ca/enrol', { csr, join_token: await enrolment.token() });
      assert.equal(answer.status, 200, answer.body);
    });
  }
});

describe('a body is refused that', () => {
  const csr = forgeRequest();
  const ROWS: readonly (readonly [title: string, body: unknown])[] = [
    ['is a list', [csr]],
    ['has no request', { join_token: 'x' }],
    ['has no token', { csr }],
    ['has a token that is a number', { csr, join_token: 1 }],
    ['has a time that is a text', { csr, join_token: 'x', ttl_seconds: '3600' }],
    ['has a time that is no whole number', { csr, join_token: 'x', ttl_seconds: 0.5 }],
    ['has a member that nobody knows', { csr, join_token: 'x', not_after: '2036-01-01' }],
  ];
  for (const [title, body] of ROWS) {
    test(title, async () => {
      await using enrolment = await startEnrolment();
      assert.deepEqual(codeOf(await enrolment.post('/ca/enrol', body)), [400, 'invalid_request']);
      assert.equal(await enrolment.issued(), 0);
    });
  }
});

describe('a join token', () => {
  const join = async (enrolment: TestEnrolment, join_token: string) =>
    codeOf(await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token }));

  test('that is unknown, used, expired or of a revoked identity is refused in the same words', async () => {
    await using enrolment = await startEnrolment();
    const [used, expired] = [await enrolment.token(), await enrolment.token()];
    assert.equal((await join(enrolment, used))[0], 200);
    const answers = [await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token: 'guess' })];
    answers.push(await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token: used }));
    enrolment.time.nowMs += 600_000;
    answers.push(await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token: expired }));
    for (const answer of answers) assert.deepEqual(codeOf(answer), [403, 'join_token_invalid']);
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1);
    assert.equal(await enrolment.issued(), 1);
  });

  test('is good once, of any number of parallel uses', async () => {
    await using enrolment = await startEnrolment();
    const token = await enrolment.token();
    const answers = await Promise.all(Array.from({ length: 12 }, () => join(enrolment, token)));
    assert.equal(answers.filter(([status]) => status === 200).length, 1);
    assert.equal(await enrolment.issued(), 1);
  });

  test('is in no output and not in the store', async () => {
    await using enrolment = await startEnrolment();
    const token = await enrolment.token();
    const stored = await enrolment.database.query<{ digest: string }>('SELECT * FROM join_tokens');
    assert.equal((await join(enrolment, token))[0], 200);
    await join(enrolment, token);
    assert.ok(![stored, enrolment.events].some((output) => JSON.stringify(output).includes(token)));
  });

  test('is not guessed: the 21st refusal of a minute is told to wait', async () => {
    await using enrolment = await startEnrolment();
    for (let guess = 0; guess < 20; guess += 1) assert.equal((await join(enrolment, `guess-${guess}`))[0], 403);
    const token = await enrolment.token();
    assert.deepEqual(await join(enrolment, token), [429, 'rate_limited']);
    enrolment.time.nowMs += 60_000;
    assert.equal((await join(enrolment, token))[0], 200);
  });
});

/** A store whose statement number `failing` fails, of those that enrolment and renewal ask for. */
async function failingStore() {
  const sqlite = await openSqlite(IN_MEMORY);
  const state = { failing: Number.POSITIVE_INFINITY, asked: 0 };
  const failingly = (queries: Queries): Queries => ({
    query: async <Row extends object>(...statement: Parameters<Queries['query']>) => {
      state.asked += 1;
      if (state.asked === state.failing) throw new Error('the disk is full');
      return queries.query<Row>(...statement);
    },
  });
  const database: Database = {
    ...failingly(sqlite),
    transaction: (work) => sqlite.transaction((queries) => work(failingly(queries))),
    close: () => sqlite.close(),
  };
  return { database, state };
}

test('C-208 whichever statement of the store fails, nothing is issued and the token stays good', async () => {
  const { database, state } = await failingStore();
  await using enrolment = await startEnrolment({ database });
  const join_token = await enrolment.token();
  for (let failing = 1; failing < 20; failing += 1) {
    Object.assign(state, { failing, asked: 0 });
    const answer = await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token });
    state.failing = Number.POSITIVE_INFINITY;
    if (answer.status === 200) {
      assert.ok(failing > 5, 'some statements did fail');
      assert.equal(await enrolment.issued(), 1);
      return;
    }
    assert.deepEqual(codeOf(answer), [500, 'issuance_failed']);
    assert.equal(await enrolment.issued(), 0, `statement ${failing}`);
  }
  assert.fail('it never succeeded');
});

test('C-208 a key that cannot be opened, and an authority that must not certify the name, issue nothing', async () => {
  await using first = await startEnrolment();
  const shared = { database: sharing(first.database), established: true };
  const zones = TRUST_DOMAIN.zones.map((zone) => ({ ...zone, dnsDomains: [...zone.dnsDomains, 'zone9.local'] }));
  const closed: Sealing = {
    seal: () => '',
    open: () => {
      throw new CannotOpen('the key is another one');
    },
  };
  await using broken = await startEnrolment({ ...shared, sealing: closed });
  await using wider = await startEnrolment({ ...shared, trustDomain: { ...TRUST_DOMAIN, zones } });
  const foreign = { ...ORDER_SERVICE, dnsNames: ['order-service.zone9.local'] };
  for (const [enrolment, token] of [
    [broken, await broken.token()],
    [wider, await wider.token(foreign)],
  ] as const) {
    const answer = await enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token: token });
    assert.deepEqual(codeOf(answer), [500, 'issuance_failed']);
    assert.deepEqual(JSON.parse(answer.body).error_description, 'no certificate was issued');
    assert.equal(await first.issued(), 0);
  }
  const good = await wider.post('/ca/enrol', { csr: forgeRequest(), join_token: await wider.token() });
  assert.equal(good.status, 200);
});

const sharing = (database: Database): Database => ({ ...database, close: async () => undefined });

describe('a renewal is refused with', () => {
  const renew = (enrolment: TestEnrolment, shown?: Parameters<TestEnrolment['post']>[2]) =>
    enrolment.post('/ca/renew', { csr: forgeRequest() }, shown);

  test('C-209 a certificate that has expired', async () => {
    await using enrolment = await startEnrolment();
    const enrolled = await enrolment.enrol();
    enrolment.time.nowMs += 24 * HOUR_MS;
    assert.deepEqual(codeOf(await renew(enrolment, enrolled)), [403, 'certificate_expired']);
    assert.equal(await enrolment.issued(), 1);
  });

  for (const [title, which] of [
    ['its serial number', 'serialNumber'],
    ['its SPIFFE ID', 'spiffeId'],
  ] as const) {
    test(`C-209 a certificate that was revoked by ${title}`, async () => {
      await using enrolment = await startEnrolment();
      const enrolled = await enrolment.enrol();
      enrolment.time.nowMs += 20 * HOUR_MS;
      const revoked = await enrolment.ca.revoke(
        which === 'spiffeId'
          ? { spiffeId: 'spiffe://example.org/zone2/order-service' }
          : { serialNumber: String(enrolled.body['serial_number']) },
      );
      assert.equal(revoked.length, 1);
      assert.deepEqual(codeOf(await renew(enrolment, enrolled)), [403, 'certificate_revoked']);
      assert.equal(await enrolment.issued(), 1);
    });
  }

  test('C-209 a certificate of a workload that was taken back, until that is lifted; a new one is refused as well', async () => {
    await using enrolment = await startEnrolment();
    const enrolled = await enrolment.enrol();
    const { database, time } = enrolment;
    time.nowMs += 20 * HOUR_MS;
    const store = await storedRevocations(database, () => time.nowMs).open('services');
    const spiffeId = 'spiffe://example.org/zone2/order-service';
    const revocation = { kind: 'spiffe_id', value: spiffeId, issuedUntil: undefined, endsAt: undefined } as const;
    await store.append([{ operation: 'revoke', revocation }]);
    const join = async () => enrolment.post('/ca/enrol', { csr: forgeRequest(), join_token: await enrolment.token() });
    assert.deepEqual(codeOf(await renew(enrolment, enrolled)), [403, 'certificate_revoked']);
    assert.deepEqual(codeOf(await join()), [403, 'certificate_revoked']);
    const other = await enrolment.enrol({ ...ORDER_SERVICE, service: 'other-service' });
    assert.equal(other.body['serial_number'] === undefined, false);
    const issuedUntil = Math.floor(time.nowMs / 1000);
    await store.append([{ operation: 'revoke', revocation: { ...revocation, issuedUntil } }]);
    assert.deepEqual(codeOf(await renew(enrolment, enrolled)), [403, 'certificate_revoked']);
    // A certificate begins a minute before it is made.
    time.nowMs += 61_000;
    assert.equal((await join()).status, 200);
    assert.deepEqual(codeOf(await renew(enrolment, enrolled)), [403, 'certificate_revoked']);
    await store.append([{ operation: 'lift', revocation }]);
    assert.equal((await renew(enrolment, enrolled)).status, 200);
  });

  test('C-209 a certificate of nobody, of another authority, and of one with the same name', async () => {
    await using enrolment = await startEnrolment();
    const enrolled = await enrolment.enrol();
    enrolment.time.nowMs += 20 * HOUR_MS;
    assert.deepEqual(codeOf(await renew(enrolment)), [403, 'certificate_required']);
    const { issuer } = new X509Certificate(enrolled.certPem);
    const name =
      issuer
        .split('\n')
        .find((line) => line.startsWith('CN='))
        ?.slice(3) ?? '';
    for (const foreign of [createTestAuthority('zone2-CA'), createTestAuthority(name)]) {
      const shown = foreign.issue({ uris: ['spiffe://example.org/zone2/order-service'] });
      assert.deepEqual(codeOf(await renew(enrolment, shown)), [403, 'certificate_unknown']);
    }
    assert.equal(await enrolment.issued(), 1);
  });

  test('a certificate before two thirds of its life are over, and says when', async () => {
    await using enrolment = await startEnrolment();
    const enrolled = await enrolment.enrol();
    enrolment.time.nowMs += 15 * HOUR_MS;
    const answer = await renew(enrolment, enrolled);
    assert.deepEqual(codeOf(answer), [403, 'renewal_too_early']);
    const seconds = Number(answer.headers['retry-after']);
    assert.ok(seconds > 0 && seconds <= 3600, String(seconds));
    enrolment.time.nowMs += seconds * 1000;
    assert.equal((await renew(enrolment, enrolled)).status, 200);
  });
});

test('C-209 a certificate that is good is renewed for the same identity, with a request for any key', async () => {
  await using enrolment = await startEnrolment();
  const enrolled = await enrolment.enrol();
  enrolment.time.nowMs += 17 * HOUR_MS;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const csr = createSigningRequest({ commonName: 'order-service' }, privateKey);
  const answer = await enrolment.post('/ca/renew', { csr }, enrolled);
  assert.equal(answer.status, 200, answer.body);
  const body = JSON.parse(answer.body) as Record<string, string>;
  const [before, after] = [enrolled.certPem, body['certificate_chain'] ?? ''].map((pem) => new X509Certificate(pem));
  assert.equal(after?.subjectAltName, before?.subjectAltName);
  assert.ok(after?.checkPrivateKey(privateKey));
  assert.equal(Date.parse(body['not_after'] ?? ''), after?.validToDate.getTime());
  const other = forgeRequest({ uris: ['spiffe://example.org/zone2/payment-service'] });
  assert.deepEqual(codeOf(await enrolment.post('/ca/renew', { csr: other }, enrolled)), [400, 'csr_rejected']);
});
