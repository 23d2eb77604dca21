/** The bundle that others verify by: every key that counts, and a number that every change raises, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startEnrolment, type TestEnrolment } from '../../../../../tests/support/enrolment.ts';
import { checkSpiffeBundle } from './federation.ts';
import { recordJwtKeys } from './trust-bundle.ts';

const key = (kid: string) => ({ kid, kty: 'EC', crv: 'P-256', x: 'x', y: 'y', use: 'sig', alg: 'ES256' });

interface Document {
  readonly spiffe_sequence: number;
  readonly keys: readonly { readonly use: string; readonly kid?: string }[];
}

async function bundleOf(enrolment: TestEnrolment): Promise<Document> {
  const { body } = await enrolment.get('/ca/bundle');
  checkSpiffeBundle(Buffer.from(body));
  return JSON.parse(body) as Document;
}

test('a trust domain without JWT-SVIDs has no keys for them in its bundle, and its number stays', async () => {
  await using enrolment = await startEnrolment();
  const before = await bundleOf(enrolment);
  await recordJwtKeys(enrolment.database, [], 0);
  assert.deepEqual(await bundleOf(enrolment), before);
  assert.deepEqual(
    before.keys.map(({ use }) => use),
    ['x509-svid'],
  );
});

test('keys of JWT-SVIDs are in the bundle for that use, and each change of them raises its number once, whoever records it', async () => {
  const keys = [key('a')];
  await using enrolment = await startEnrolment({ jwtKeys: () => keys });
  const { spiffe_sequence: first } = await bundleOf(enrolment);
  const record = () => Promise.all([1, 2, 3].map(() => recordJwtKeys(enrolment.database, keys, 0)));
  const sequences: number[] = [];
  for (const change of [() => 0, () => keys.push(key('b')), () => keys.reverse(), () => keys.pop()]) {
    change();
    await record();
    sequences.push((await bundleOf(enrolment)).spiffe_sequence - first);
  }
  assert.deepEqual(sequences, [1, 2, 2, 3]);
  const jwt = (await bundleOf(enrolment)).keys.filter(({ use }) => use === 'jwt-svid');
  assert.deepEqual(jwt, [{ ...key('b'), use: 'jwt-svid' }]);
});
