import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuditLine, createAuditFeed } from './audit-feed.ts';

const line = (service: string, time: string, duration_ms = 1): Readonly<Record<string, unknown>> => ({
  event: 'request',
  service,
  time,
  duration_ms,
  correlation_id: 'c',
});
const any = (): boolean => true;
const names = (lines: readonly AuditLine[]): string[] => lines.map(({ service }) => service);

test('a line that is not of the audit trail is not kept', () => {
  const feed = createAuditFeed();
  feed.add({ event: 'listening', service: 'a' });
  assert.equal(feed.mark(), 0);
});

test('lines that never come are not waited for beyond the time', async () => {
  const feed = createAuditFeed();
  feed.add(line('a', '1'));
  assert.deepEqual(names(await feed.collect(any, { mark: 0, count: 2, timeoutMs: 20 })), ['a']);
});

test('lines from before the mark do not count', async () => {
  const feed = createAuditFeed();
  feed.add(line('before', '1'));
  const mark = feed.mark();
  const collected = feed.collect(any, { mark, count: 1, timeoutMs: 10_000 });
  feed.add(line('after', '2'));
  assert.deepEqual(names(await collected), ['after']);
  assert.deepEqual(names(feed.after(mark)), ['after']);
});

test('hops stand in the order in which they began, the outer one first when they began together', async () => {
  const feed = createAuditFeed();
  const collected = feed.collect(any, { mark: 0, count: 3, timeoutMs: 10_000 });
  feed.add(line('data', '2026-01-01T00:00:00.002Z'));
  feed.add(line('order', '2026-01-01T00:00:00.001Z', 5));
  feed.add(line('gateway', '2026-01-01T00:00:00.001Z', 9));
  assert.deepEqual(names(await collected), ['gateway', 'order', 'data']);
});
