/** What every refusal must look like: the right answer, nothing at the app, one deny record, no credential anywhere. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import type { HttpApp } from './http-app.ts';
import type { AuditLine, TestSidecar } from './sidecar.ts';
import { until } from './until.ts';
import type { WireAnswer } from './wire.ts';

export interface RefusalChecks {
  /** Runs the step and asserts that it was refused with this code; `secrets` must appear in no output. */
  refused(code: ProblemCode, step: () => Promise<WireAnswer>, secrets?: readonly string[]): Promise<AuditLine>;
  /** Runs the step and asserts that the handshake failed: nothing at the app, one deny record. */
  refusedHandshake(step: () => Promise<WireAnswer>): Promise<AuditLine>;
}

/** Statuses that speak about the message itself. */
const CLOSING: ReadonlySet<number> = new Set([400, 408, 413, 414, 417, 431, 501, 505]);

/** What a compact JWS looks like: a token is a secret whether or not a test names it. */
const TOKEN = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/;

/** @param app counts what reached it */
export function refusalChecks(sidecar: TestSidecar, app: Pick<HttpApp, 'seen' | 'received'>): RefusalChecks {
  const watched = async (step: () => Promise<WireAnswer>, secrets: readonly string[]) => {
    const before = { audit: sidecar.audit.length, seen: app.seen.length, received: app.received };
    const outcome = await step().catch((error: unknown) => error);
    await until(() => sidecar.audit.length > before.audit);
    // What is still on its way, to the app or to the trail, arrives before we count.
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    const lines = sidecar.lines.slice(before.audit);
    assert.equal(app.seen.length, before.seen, 'nothing may reach the app');
    assert.equal(app.received, before.received, 'not one byte may reach the app');
    assert.equal(lines.length, 1, `exactly one audit record, not ${lines.join('\n')}`);
    const [line = ''] = lines;
    const record = JSON.parse(line) as AuditLine;
    assert.equal(record['decision'], 'deny');
    const answer = outcome instanceof Error ? String(outcome) : (outcome as WireAnswer).raw;
    for (const output of [line, answer, sidecar.log()]) {
      assert.doesNotMatch(output, TOKEN, 'a token is in an output');
      for (const secret of secrets) assert.ok(!output.includes(secret), 'a credential is in an output');
    }
    return { outcome, record };
  };
  return {
    async refused(code, step, secrets = []) {
      const { outcome, record } = await watched(step, secrets);
      assert.ok(!(outcome instanceof Error), String(outcome));
      const answer = outcome as WireAnswer;
      assert.equal(record['code'], code, JSON.stringify(record));
      assertProblem(code, answer, record);
      return record;
    },
    async refusedHandshake(step) {
      const { outcome, record } = await watched(step, []);
      assert.ok(outcome instanceof Error, `answered ${JSON.stringify(outcome)}`);
      return record;
    },
  };
}

/** Where proofs are taken, the challenge of RFC 9449 stands behind that of RFC 6750, or alone. */
function bearerChallenge({ headers }: WireAnswer): string | undefined {
  return headers['www-authenticate']?.replace(/(?:^|, )DPoP (?:error="[a-z_]+", )?algs="[A-Za-z0-9 ]+"$/, '');
}

function expectedBearerChallenge(error: string | undefined): string | undefined {
  if (error === undefined) return undefined;
  if (error.includes('dpop')) return '';
  return error === '' ? 'Bearer' : `Bearer error="${error}"`;
}

/** The answer on the wire is what RFC 9457, RFC 6750 and our table say about this code. */
function assertProblem(code: ProblemCode, answer: WireAnswer, record: AuditLine): void {
  const row: { readonly status: number; readonly title: string; readonly challenge?: string } = PROBLEMS[code];
  assert.equal(answer.status, row.status);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const requestId = record['request_id'];
  assert.deepEqual(JSON.parse(answer.body), {
    type: 'about:blank',
    title: row.title,
    status: row.status,
    code,
    request_id: requestId,
  });
  assert.equal(answer.headers['x-sidegate-decision'], requestId);
  assert.equal(bearerChallenge(answer), expectedBearerChallenge(row.challenge));
  if (!CLOSING.has(row.status)) return;
  assert.equal(answer.headers['connection'], 'close');
  assert.ok(answer.ended, 'the connection must end behind a message that was doubtful');
}
