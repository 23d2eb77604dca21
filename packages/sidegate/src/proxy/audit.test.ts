import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { requestHead } from '../../../../tests/support/fields.ts';
import { type AuditOptions, createAudit, type RecordedAnswer } from './audit.ts';
import { type AuditSink, PartlyTaken } from './audit-sink.ts';
import { type Exchange, openExchange } from './exchange.ts';

const ports = {
  clock: { now: () => 1_790_000_000_000, monotonic: () => 5 },
  randomHex: (bytes: number) => 'ab'.repeat(bytes),
  sampler: () => false,
};

const MESSAGE = requestHead({ pairs: ['X-Correlation-ID', 'req-abc-123'], target: '/a//b?access_token=x' });

function exchangeOf(changes: Partial<Exchange>): Exchange {
  return { ...openExchange('ingress', MESSAGE, ports), ...changes };
}

const read: Partial<Exchange> = {
  forwarded: true,
  status: 200,
  target: { method: 'GET', path: '/inventory/PROD-123', query: '', host: 'data-service' },
  upstream: { name: 'app', path: '/inventory/PROD-123' },
  userContext: { value: 'user-123', verified: true },
};

const LEAVES: RecordedAnswer = { kept: () => undefined, lost: () => undefined };

const into = (sink: AuditSink): AuditOptions['sinks'] => new Map([['file', sink]]);

function auditWith(changes: Partial<AuditOptions>) {
  const lines: Record<string, unknown>[] = [];
  const changesSeen: unknown[] = [];
  const audit = createAudit({
    service: 'data-service',
    sinks: into((text) => {
      for (const line of text.trimEnd().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
    }),
    events: ['request'],
    includeHeaders: [],
    maskFields: [],
    mode: 'required',
    clock: ports.clock,
    defer: (task) => task(),
    onChange: (failure) => changesSeen.push(failure),
    ...changes,
  });
  const record = (changed: Partial<Exchange>, answer = LEAVES): void => audit.record(exchangeOf(changed), answer);
  return { audit, record, lines, changesSeen };
}

/** What became of the answers, in their order. */
function answers(): { readonly seen: string[]; readonly answer: (name: string) => RecordedAnswer } {
  const seen: string[] = [];
  return {
    seen,
    answer: (name) => ({
      kept: () => seen.push(`${name} leaves`),
      lost: ({ code }) => seen.push(`${name} ${code}`),
    }),
  };
}

describe('audit records', () => {
  test('S3-231 a refusal is one deny line with its code and reasons', () => {
    const { record, lines } = auditWith({});
    record({ problem: new Problem('policy_denied', 'no rule allows this request'), status: 403 });
    assert.equal(lines.length, 1);
    const [line = {}] = lines;
    assert.deepEqual(
      [line['decision'], line['code'], line['status'], line['level'], line['reasons']],
      ['deny', 'policy_denied', 403, 'warn', ['no rule allows this request']],
    );
  });

  test('a message that was refused before it had a target is recorded as what it claimed to be, without its query', () => {
    const { record, lines } = auditWith({});
    record({ problem: new Problem('path_ambiguous', 'the path has an empty segment'), status: 400 });
    assert.deepEqual([lines[0]?.['method'], lines[0]?.['path']], ['GET', '/a//b']);
  });

  test('what was forwarded counts as allowed, also when the upstream then failed', () => {
    const { record, lines } = auditWith({});
    record({ ...read, problem: new Problem('upstream_timeout', 'too slow'), status: 504 });
    assert.deepEqual(
      [lines[0]?.['decision'], lines[0]?.['code'], lines[0]?.['level']],
      ['allow', 'upstream_timeout', 'error'],
    );
  });

  test('S3-106 S3-233 with access events a served exchange has a second record, a refused one has not', () => {
    const { record, lines } = auditWith({ events: ['request', 'access'] });
    record({ problem: new Problem('policy_denied', 'no'), status: 403 });
    record(read);
    assert.deepEqual(
      lines.map(({ event, decision }) => [event, decision]),
      [
        ['request', 'deny'],
        ['request', 'allow'],
        ['access', 'allow'],
      ],
    );
    const { time, request_id, ...access } = lines[2] ?? {};
    assert.ok(time === '2026-09-21T14:13:20.000Z' && request_id === 'ab'.repeat(16));
    assert.deepEqual(access, {
      level: 'info',
      service: 'data-service',
      event: 'access',
      user_context: 'user-123',
      action: 'read',
      resource: 'inventory/PROD-123',
      decision: 'allow',
      correlation_id: 'req-abc-123',
    });
  });

  test('C-226 hostile text stays one escaped line of bounded length', () => {
    const lines: string[] = [];
    const { record } = auditWith({ sinks: into((line) => lines.push(line)) });
    const path = `/${'\n{"decision":"allow"}\u001b[31m\u009b\u2028\u202e'.repeat(50_000)}`;
    const decision = { allow: false, reasons: Array.from({ length: 20 }, () => path), audit: { path } };
    record({ target: { method: 'GET', path, query: '', host: '' }, decision, status: 403 });
    assert.equal((JSON.parse(lines[0] ?? '') as { status?: number }).status, 403);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^[\u0020-\u007e]+\n$/);
    assert.ok((lines[0] ?? '').length < 8192);
  });
});

describe('records of one turn of the event loop', () => {
  test('are written together, in order, when the turn is over', () => {
    const written: string[] = [];
    let endTurn = (): void => undefined;
    const { audit, record } = auditWith({
      sinks: into((lines) => written.push(lines)),
      defer: (task) => {
        endTurn = task;
      },
    });
    for (const status of [200, 201]) record({ ...read, status });
    assert.equal(written.length, 0);
    endTurn();
    record({ ...read, status: 202 });
    audit.flush();
    endTurn();
    assert.deepEqual(
      written.map((lines) => Array.from(lines.matchAll(/"status":(\d+)/g), ([, status]) => status)),
      [['200', '201'], ['202']],
    );
  });

  test('do not wait when they are many', () => {
    const written: string[] = [];
    const { record } = auditWith({ sinks: into((lines) => written.push(lines)), defer: () => undefined });
    for (let i = 0; i < 1_000; i += 1) record(read);
    assert.ok(written.length > 1, `${written.length} writes`);
  });
});

describe('records that cannot be kept', () => {
  const full: AuditSink = () => {
    throw new Error('no space left');
  };

  test('in mode required their answers do not leave, and the next request is refused, until a record is kept again', () => {
    let isFull = true;
    const { audit, record, changesSeen } = auditWith({ sinks: into((lines) => (isFull ? full(lines) : undefined)) });
    const { seen, answer } = answers();
    audit.assertAvailable();
    record(read, answer('first'));
    assert.equal(audit.available, false);
    assert.throws(
      () => audit.assertAvailable(),
      (error) => error instanceof Problem && error.code === 'audit_unavailable',
    );
    isFull = false;
    record({ problem: new Problem('audit_unavailable', 'x'), status: 503 }, answer('second'));
    audit.assertAvailable();
    assert.deepEqual(seen, ['first audit_unavailable', 'second leaves']);
    assert.deepEqual(
      changesSeen.map((failure) => failure instanceof Error),
      [true, false],
    );
    assert.deepEqual(audit.dropped(), [['file', 1]]);
  });

  test('in mode required the answers leave whose records were taken before the disk was full', () => {
    let endTurn = (): void => undefined;
    const { audit, record } = auditWith({
      sinks: into((lines) => {
        throw new PartlyTaken(lines.indexOf('\n') + 5, new Error('no space left'));
      }),
      defer: (task) => {
        endTurn = task;
      },
    });
    const { seen, answer } = answers();
    for (const name of ['first', 'second', 'third']) record(read, answer(name));
    assert.deepEqual(seen, []);
    endTurn();
    assert.deepEqual(seen, ['first leaves', 'second audit_unavailable', 'third audit_unavailable']);
    assert.deepEqual(audit.dropped(), [['file', 2]]);
  });

  test('in mode required one sink of two that fails is enough', () => {
    const kept: string[] = [];
    const { record, audit } = auditWith({
      sinks: new Map<string, AuditSink>([
        ['file', full],
        ['stdout', (lines) => kept.push(lines)],
      ]),
    });
    const { seen, answer } = answers();
    record(read, answer('one'));
    assert.deepEqual(seen, ['one audit_unavailable']);
    assert.equal(kept.length, 1, 'the other sink has it nevertheless');
    assert.deepEqual(audit.dropped(), [
      ['file', 1],
      ['stdout', 0],
    ]);
  });

  test('a record that cannot be written down counts as one that could not be kept', () => {
    for (const [mode, expected] of [
      ['required', 'one audit_unavailable'],
      ['best_effort', 'one leaves'],
    ] as const) {
      const { record, audit } = auditWith({ mode });
      const { seen, answer } = answers();
      record({ decision: { allow: true, reasons: [], audit: { n: 1n } } }, answer('one'));
      assert.deepEqual(seen, [expected]);
      assert.deepEqual(audit.dropped(), [['file', 1]]);
    }
  });

  test('without a sink every answer leaves', () => {
    const { record } = auditWith({ sinks: new Map() });
    const { seen, answer } = answers();
    record(read, answer('one'));
    assert.deepEqual(seen, ['one leaves']);
  });

  test('in mode best_effort requests go on, and the records wait for the next attempt', () => {
    let isFull = true;
    const written: string[] = [];
    const { audit, record } = auditWith({
      sinks: into((lines) => (isFull ? full(lines) : written.push(lines))),
      mode: 'best_effort',
    });
    const { seen, answer } = answers();
    for (const status of [200, 201]) record({ ...read, status }, answer(String(status)));
    audit.assertAvailable();
    isFull = false;
    record({ ...read, status: 202 }, answer('202'));
    assert.deepEqual(seen, ['200 leaves', '201 leaves', '202 leaves']);
    const statuses = Array.from(written.join('').matchAll(/"status":(\d+)/g), ([, status]) => status);
    assert.deepEqual(statuses, ['200', '201', '202']);
    assert.deepEqual(audit.dropped(), [['file', 0]]);
  });

  test('an answer waits for its record in mode required, and does not in mode best_effort', () => {
    for (const [mode, expected] of [
      ['required', ['record', 'one leaves']],
      ['best_effort', ['one leaves', 'record']],
    ] as const) {
      const { seen, answer } = answers();
      const { record } = auditWith({ mode, sinks: into(() => seen.push('record')) });
      record(read, answer('one'));
      assert.deepEqual(seen, expected);
    }
  });

  test('in mode best_effort every record is either kept or counted as dropped', () => {
    let isFull = true;
    let kept = 0;
    const { audit, record } = auditWith({
      sinks: into((lines) => {
        if (isFull) full(lines);
        kept += lines.split('\n').length - 1;
      }),
      mode: 'best_effort',
    });
    for (let i = 0; i < 5_000; i += 1) record(read);
    const [[, dropped] = ['', 0]] = audit.dropped();
    assert.ok(dropped > 0 && dropped < 5_000, `${dropped} of 5000`);
    isFull = false;
    audit.close();
    assert.equal(kept + dropped, 5_000);
  });

  test('what still waits at the end is dropped, and counted', () => {
    const { audit, record } = auditWith({ sinks: into(full), mode: 'best_effort' });
    for (let i = 0; i < 3; i += 1) record(read);
    assert.deepEqual(audit.dropped(), [['file', 0]]);
    audit.close();
    assert.deepEqual(audit.dropped(), [['file', 3]]);
  });
});
