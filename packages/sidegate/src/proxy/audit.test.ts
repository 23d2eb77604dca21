import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { requestHead } from '../../../../tests/support/fields.ts';
import { type AuditOptions, createAudit } from './audit.ts';
import { type Exchange, openExchange } from './exchange.ts';

const ports = {
  clock: { now: () => 1_790_000_000_000, monotonic: () => 5 },
  randomHex: (bytes: number) => 'ab'.repeat(bytes),
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

function auditWith(changes: Partial<AuditOptions>) {
  const lines: Record<string, unknown>[] = [];
  const changesSeen: unknown[] = [];
  const audit = createAudit({
    service: 'data-service',
    sinks: [
      (text) => {
        for (const line of text.trimEnd().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    ],
    events: ['request'],
    mode: 'required',
    clock: ports.clock,
    defer: (task) => task(),
    onChange: (failure) => changesSeen.push(failure),
    ...changes,
  });
  return { audit, lines, changesSeen };
}

describe('audit records', () => {
  test('S3-231 a refusal is one deny line with its code and reasons', () => {
    const { audit, lines } = auditWith({});
    audit.record(exchangeOf({ problem: new Problem('policy_denied', 'no rule allows this request'), status: 403 }));
    assert.equal(lines.length, 1);
    const [line = {}] = lines;
    assert.deepEqual(
      [line['decision'], line['code'], line['status'], line['level'], line['reasons']],
      ['deny', 'policy_denied', 403, 'warn', ['no rule allows this request']],
    );
  });

  test('a message that was refused before it had a target is recorded as what it claimed to be, without its query', () => {
    const { audit, lines } = auditWith({});
    audit.record(exchangeOf({ problem: new Problem('path_ambiguous', 'the path has an empty segment'), status: 400 }));
    assert.deepEqual([lines[0]?.['method'], lines[0]?.['path']], ['GET', '/a//b']);
  });

  test('what was forwarded counts as allowed, also when the upstream then failed', () => {
    const { audit, lines } = auditWith({});
    audit.record(exchangeOf({ ...read, problem: new Problem('upstream_timeout', 'too slow'), status: 504 }));
    assert.deepEqual(
      [lines[0]?.['decision'], lines[0]?.['code'], lines[0]?.['level']],
      ['allow', 'upstream_timeout', 'error'],
    );
  });

  test('S3-106 S3-233 with access events a served exchange has a second record, a refused one has not', () => {
    const { audit, lines } = auditWith({ events: ['request', 'access'] });
    audit.record(exchangeOf({ problem: new Problem('policy_denied', 'no'), status: 403 }));
    audit.record(exchangeOf(read));
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
    const { audit } = auditWith({ sinks: [(line) => lines.push(line)] });
    const path = `/${'\n{"decision":"allow"}\u001b[31m\u009b\u2028\u202e'.repeat(50_000)}`;
    const decision = { allow: false, reasons: Array.from({ length: 20 }, () => path), audit: { path } };
    audit.record(exchangeOf({ target: { method: 'GET', path, query: '', host: '' }, decision, status: 403 }));
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
    const { audit } = auditWith({
      sinks: [(lines) => written.push(lines)],
      defer: (task) => {
        endTurn = task;
      },
    });
    for (const status of [200, 201]) audit.record(exchangeOf({ ...read, status }));
    assert.equal(written.length, 0);
    endTurn();
    audit.record(exchangeOf({ ...read, status: 202 }));
    audit.flush();
    endTurn();
    assert.deepEqual(
      written.map((lines) => Array.from(lines.matchAll(/"status":(\d+)/g), ([, status]) => status)),
      [['200', '201'], ['202']],
    );
  });

  test('do not wait when they are many', () => {
    const written: string[] = [];
    const { audit } = auditWith({ sinks: [(lines) => written.push(lines)], defer: () => undefined });
    for (let i = 0; i < 1_000; i += 1) audit.record(exchangeOf(read));
    assert.ok(written.length > 1, `${written.length} writes`);
  });
});

describe('records that cannot be kept', () => {
  const broken = (): AuditOptions['sinks'] => [
    () => {
      throw new Error('no space left');
    },
  ];

  test('in mode required the next request is refused, until a record is kept again', () => {
    let full = true;
    const { audit, changesSeen } = auditWith({
      sinks: [
        () => {
          if (full) throw new Error('no space left');
        },
      ],
    });
    audit.assertAvailable();
    audit.record(exchangeOf(read));
    assert.throws(
      () => audit.assertAvailable(),
      (error) => error instanceof Problem && error.code === 'audit_unavailable',
    );
    full = false;
    audit.record(exchangeOf({ problem: new Problem('audit_unavailable', 'x'), status: 503 }));
    audit.assertAvailable();
    assert.deepEqual(
      changesSeen.map((failure) => failure instanceof Error),
      [true, false],
    );
  });

  test('in mode best_effort requests go on', () => {
    const { audit } = auditWith({ sinks: broken(), mode: 'best_effort' });
    audit.record(exchangeOf(read));
    audit.assertAvailable();
  });
});
