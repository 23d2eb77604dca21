/** What enrolment does alike on every database: one table, run on SQLite by `npm test` and on PostgreSQL by `npm run test:peers`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CertificateAuthority } from '../../packages/sidegate/src/authority/enrolment/certificate-authority.ts';
import { EnrolmentRefused } from '../../packages/sidegate/src/authority/enrolment/enrolment-refused.ts';
import {
  addRoot,
  establishAuthorities,
  RotationRefused,
  retireRoot,
  signWithNewRoot,
} from '../../packages/sidegate/src/authority/enrolment/rotation.ts';
import type { OpenedDatabase } from './database-table.ts';
import { HOUR_MS, ORDER_SERVICE, startEnrolment, type TestEnrolment } from './enrolment.ts';
import { forgeRequest } from './forged-requests.ts';

/** Two replicas of one authority, or one process and a command beside it. */
async function replicas(prepared: OpenedDatabase, established = false): Promise<[TestEnrolment, TestEnrolment]> {
  const [first, second] = await Promise.all([prepared.open(), prepared.open()]);
  return Promise.all([
    startEnrolment({ database: first, established }),
    startEnrolment({ database: second, established }),
  ]);
}

const succeeded = (outcomes: readonly PromiseSettledResult<unknown>[]): number =>
  outcomes.filter(({ status }) => status === 'fulfilled').length;

const reasons = (outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));

export function enrolmentTable(name: string, prepare: () => Promise<OpenedDatabase>): void {
  test(`${name}: of many uses of one join token at two replicas one succeeds, and one certificate is kept`, async () => {
    await using prepared = await prepare();
    const [first, second] = await replicas(prepared);
    const token = await first.token();
    const enrol = ({ ca }: TestEnrolment) => ca.enrol(token, { csr: forgeRequest() });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => enrol(index % 2 === 0 ? first : second)),
    );
    assert.equal(succeeded(outcomes), 1);
    for (const reason of reasons(outcomes)) assert.ok(reason instanceof EnrolmentRefused, String(reason));
    assert.equal(await second.issued(), 1);
    await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
  });

  test(`${name}: replicas that start together make one root and one authority for each zone`, async () => {
    await using prepared = await prepare();
    const [first, second] = await replicas(prepared, true);
    await Promise.all([first, second].map(({ ca }) => establishAuthorities(ca)));
    const rows = await first.database.query<{ zone: string | null }>('SELECT zone FROM authorities');
    assert.deepEqual(rows.map(({ zone }) => zone ?? 'root').toSorted(), ['root', 'zone1', 'zone2']);
    assert.equal((await second.ca.bundle()).sequence, 1);
    await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
  });

  test(`${name}: of two that take the same step of a rotation one is refused, and a replica signs by what the other did`, async () => {
    await using prepared = await prepare();
    const [first, second] = await replicas(prepared);
    for (const [step, sequence] of [
      [addRoot, 2],
      [signWithNewRoot, 3],
      [retireRoot, 4],
    ] as const) {
      const both = (take: (ca: CertificateAuthority) => Promise<unknown>) =>
        Promise.allSettled([first, second].map(({ ca }) => take(ca)));
      const outcomes = await both(step);
      assert.equal(succeeded(outcomes), 1, String(reasons(outcomes)));
      assert.ok(reasons(outcomes)[0] instanceof RotationRefused);
      assert.equal((await second.ca.bundle()).sequence, sequence);
    }
    const [one, other] = [await first.enrol(), await second.enrol()];
    const below = async ({ body }: typeof one): Promise<unknown> =>
      (
        await first.database.query('SELECT authority FROM certificates WHERE serial_number = $1', [
          String(body['serial_number']),
        ])
      )[0];
    assert.deepEqual(await below(one), await below(other));
    await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
  });

  test(`${name}: what one replica revokes the other neither renews nor leaves out of its list`, async () => {
    await using prepared = await prepare();
    const [first, second] = await replicas(prepared);
    const enrolled = await first.enrol();
    for (const { time } of [first, second]) time.nowMs += 17 * HOUR_MS;
    const revoked = await first.ca.revoke({ spiffeId: `spiffe://example.org/zone2/${ORDER_SERVICE.service}` });
    assert.equal(revoked.length, 1);
    const answer = await second.post('/ca/renew', { csr: forgeRequest() }, enrolled);
    assert.match(answer.body, /certificate_revoked/);
    const lists = await second.get('/ca/crl');
    assert.equal(lists.body.match(/BEGIN X509 CRL/g)?.length, 3);
    await Promise.all([first, second].map((each) => each[Symbol.asyncDispose]()));
  });
}
