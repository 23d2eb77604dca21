/** Root rotation: no step while somebody would be left behind, and nobody notices the steps that are taken. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createSigningRequest } from '@sidegate/sdk';
import {
  type Enrolled,
  HOUR_MS,
  ORDER_SERVICE,
  type ShownPair,
  startEnrolment,
  type TestEnrolment,
} from '../../../../../tests/support/enrolment.ts';
import {
  addRoot,
  establishAuthorities,
  RotationRefused,
  retireRoot,
  rotateZone,
  signWithNewRoot,
  signWithNewZones,
} from './rotation.ts';

async function renew(enrolment: TestEnrolment, shown: ShownPair, commonName = 'order-service'): Promise<ShownPair> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const csr = createSigningRequest({ commonName }, privateKey);
  const answer = await enrolment.post('/ca/renew', { csr }, shown);
  assert.equal(answer.status, 200, answer.body);
  const { certificate_chain: certPem } = JSON.parse(answer.body) as { certificate_chain: string };
  return { certPem, keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** As a sidecar that has the bundle with this number. */
const report = (enrolment: TestEnrolment, shown: ShownPair, sequence: number) =>
  enrolment.get('/ca/bundle', { shown, headers: ['If-None-Match', `"${sequence}"`] });

async function obstacles(step: Promise<unknown>): Promise<readonly string[]> {
  const error = await step.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RotationRefused, String(error));
  return error.obstacles;
}

const issuerOf = ({ certPem }: ShownPair): string =>
  new X509Certificate(certPem.slice(certPem.lastIndexOf('-----BEGIN'))).issuer;
const rootsOf = async (enrolment: TestEnrolment): Promise<string[]> =>
  ((await enrolment.get('/ca/bundle.pem')).body.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).subject,
  );

test('a root is followed by another in three steps, each refused until everybody is ready for it', async () => {
  await using enrolment = await startEnrolment();
  const [first, second] = [
    await enrolment.enrol(),
    await enrolment.enrol({ ...ORDER_SERVICE, service: 'stock', dnsNames: [] }),
  ];
  const [oldRoot] = await rootsOf(enrolment);
  enrolment.time.nowMs += 60_000;

  await assert.rejects(signWithNewRoot(enrolment.ca), /run "sidegate ca rotate add" first/);
  await assert.rejects(retireRoot(enrolment.ca), /run "sidegate ca rotate both" first/);
  const { sequence: added } = await addRoot(enrolment.ca);
  const newRoot = (await rootsOf(enrolment))[1];
  assert.deepEqual(await rootsOf(enrolment), [oldRoot, newRoot]);
  assert.notEqual(oldRoot, newRoot);
  await assert.rejects(addRoot(enrolment.ca), /its next step is "sidegate ca rotate both"/);
  assert.equal(issuerOf(await enrolment.enrol()), oldRoot, 'nothing is signed below a root that not everybody trusts');

  assert.equal((await obstacles(signWithNewRoot(enrolment.ca))).length, 2);
  assert.equal((await report(enrolment, first, added)).status, 304);
  await report(enrolment, second, added - 1);
  const [behind, ...others] = await obstacles(signWithNewRoot(enrolment.ca));
  assert.match(behind ?? '', /spiffe:\/\/example\.org\/zone2\/stock .* has the bundle 1, not 2/);
  assert.deepEqual(others, []);
  await report(enrolment, second, added);
  const { sequence: both } = await signWithNewRoot(enrolment.ca);
  assert.equal(both, added + 1);
  assert.equal(issuerOf(await enrolment.enrol()), newRoot);

  assert.equal((await obstacles(retireRoot(enrolment.ca))).length, 3);
  const renewed = [await renew(enrolment, first), await renew(enrolment, second, 'stock')];
  for (const pair of renewed)
    assert.equal(issuerOf(pair), newRoot, 'renewed before its time, because its authority signs no more');
  assert.equal((await obstacles(retireRoot(enrolment.ca))).length, 3, 'nobody has shown the new certificates');
  for (const pair of renewed) await report(enrolment, pair, both);
  const left = await obstacles(retireRoot(enrolment.ca));
  assert.equal(left.length, 1, 'the one that enrolled between and never came back');
  enrolment.time.nowMs += 24 * HOUR_MS;
  await retireRoot(enrolment.ca);
  assert.deepEqual(await rootsOf(enrolment), [newRoot]);
});

test('a holder that was revoked holds nobody up, and neither does one whose certificates have expired', async () => {
  await using enrolment = await startEnrolment();
  await enrolment.enrol();
  await enrolment.enrol({ ...ORDER_SERVICE, service: 'stock', dnsNames: [] });
  await addRoot(enrolment.ca);
  assert.equal((await obstacles(signWithNewRoot(enrolment.ca))).length, 2);
  await enrolment.ca.revoke({ spiffeId: 'spiffe://example.org/zone2/stock' });
  assert.equal((await obstacles(signWithNewRoot(enrolment.ca))).length, 1);
  enrolment.time.nowMs += 24 * HOUR_MS;
  await signWithNewRoot(enrolment.ca);
});

test('a certificate that nobody renews holds the last step up until it has expired or was revoked', async () => {
  await using enrolment = await startEnrolment();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const csr = createSigningRequest({ commonName: 'order-service' }, privateKey);
  const { issued } = await enrolment.ca.issue(ORDER_SERVICE, { csr });
  await addRoot(enrolment.ca);
  await signWithNewRoot(enrolment.ca);
  assert.match((await obstacles(retireRoot(enrolment.ca))).join(), new RegExp(issued.serialNumber));
  await enrolment.ca.revoke({ serialNumber: issued.serialNumber });
  await retireRoot(enrolment.ca);
});

test('who shows a certificate that is not good, or none, reports nothing', async () => {
  await using enrolment = await startEnrolment();
  const enrolled: Enrolled = await enrolment.enrol();
  const { sequence } = await addRoot(enrolment.ca);
  assert.equal((await enrolment.get('/ca/bundle', { headers: ['If-None-Match', `"${sequence}"`] })).status, 304);
  for (const text of ['"99999"', 'W/"2"', '"2", "1"', '*', '"-1"']) {
    await enrolment.get('/ca/bundle', { shown: enrolled, headers: ['If-None-Match', text] });
    if (text === '"99999"') await report(enrolment, enrolled, 1);
  }
  assert.equal((await obstacles(signWithNewRoot(enrolment.ca))).length, 1);
  await enrolment.ca.revoke({ serialNumber: String(enrolled.body['serial_number']) });
  assert.equal((await report(enrolment, enrolled, sequence)).status, 304, 'the bundle is public');
});

test('the authority of a zone is followed by another below the same root, once everybody has its revocation list', async () => {
  await using enrolment = await startEnrolment();
  const enrolled = await enrolment.enrol();
  const before = await rootsOf(enrolment);
  enrolment.time.nowMs += 60_000;
  const zone = enrolment.ca.options.trustDomain.zones.find(({ name }) => name === 'zone2');
  assert.ok(zone);
  const signing = async (): Promise<string[]> =>
    (JSON.parse((await enrolment.get('/ca/bundle')).body) as { sidegate_signing: string[] }).sidegate_signing;
  const made = await rotateZone(enrolment.ca, zone);
  assert.deepEqual(await signWithNewZones(enrolment.ca), []);
  assert.ok(!(await signing()).includes(made.id), 'it waits');
  const lists = (await enrolment.get('/ca/crl')).body.match(/BEGIN X509 CRL/g)?.length;
  assert.equal(lists, 4, 'the root, two zones and the one that waits');
  assert.match(
    (await obstacles(rotateZone(enrolment.ca, zone))).join(),
    /zone2\/order-service .* has the bundle 1, not 2/,
  );

  assert.equal((await report(enrolment, enrolled, 1)).status, 200, 'who has the bundle from before is told');
  await report(enrolment, enrolled, 2);
  assert.deepEqual(
    (await signWithNewZones(enrolment.ca)).map(({ id }) => id),
    [made.id],
  );
  assert.deepEqual(await signWithNewZones(enrolment.ca), []);
  assert.ok((await signing()).includes(made.id));
  assert.equal((await report(enrolment, enrolled, 2)).status, 200, 'and is told again: it has to renew');
  const renewed = await renew(enrolment, enrolled);
  assert.equal(new X509Certificate(renewed.certPem).issuer, new X509Certificate(made.pem).subject);
  assert.deepEqual(await rootsOf(enrolment), before);
});

test('an authority of a zone that waits when another root takes over never signs', async () => {
  await using enrolment = await startEnrolment();
  enrolment.time.nowMs += 60_000;
  const zone = enrolment.ca.options.trustDomain.zones.find(({ name }) => name === 'zone2');
  assert.ok(zone);
  await enrolment.enrol();
  await rotateZone(enrolment.ca, zone);
  enrolment.time.nowMs += 24 * HOUR_MS;
  await addRoot(enrolment.ca);
  await signWithNewRoot(enrolment.ca);
  assert.deepEqual(await signWithNewZones(enrolment.ca), []);
});

test('authorities are made once, and again for a zone whose names have changed', async () => {
  await using enrolment = await startEnrolment();
  assert.deepEqual(await establishAuthorities(enrolment.ca), []);
  const [, zone2] = enrolment.ca.options.trustDomain.zones;
  const trustDomain = {
    ...enrolment.ca.options.trustDomain,
    zones: [{ ...zone2, name: 'zone2', dnsDomains: ['zone2.example'], ipRanges: [] }],
  };
  const made = await establishAuthorities({ ...enrolment.ca, options: { ...enrolment.ca.options, trustDomain } });
  assert.deepEqual(
    made.map(({ zone, nameConstraints }) => [zone, nameConstraints?.dnsDomains]),
    [['zone2', ['zone2.example']]],
  );
});
