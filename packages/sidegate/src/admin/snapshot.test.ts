import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Readiness } from './health.ts';
import { jointMetrics, jointReadiness, type WorkerSnapshot } from './snapshot.ts';

const READY: Readiness = { status: 'ready', reasons: [] };
const DRAINING: Readiness = { status: 'not_ready', reasons: [{ code: 'draining', detail: 'the sidecar stops' }] };

function worker(id: number | undefined, readiness: Readiness, count = 1): WorkerSnapshot {
  const requests = { name: 'a_total', kind: 'counter', help: 'A.', labels: ['code'] } as const;
  return {
    worker: id,
    snapshot: { readiness, metrics: [{ ...requests, samples: [{ labels: ['ok'], value: count }] }] },
  };
}

test('several processes are ready when all of them are, and say each reason once', () => {
  assert.deepEqual(jointReadiness([worker(1, READY), worker(2, DRAINING), worker(3, DRAINING)]), DRAINING);
  assert.deepEqual(jointReadiness([worker(1, READY), worker(2, READY)]), READY);
  assert.deepEqual(jointReadiness([worker(undefined, READY)]), READY);
});

test('a process that does not answer is a reason', () => {
  assert.deepEqual(jointReadiness([worker(1, READY), { worker: 7, snapshot: undefined }]), {
    status: 'not_ready',
    reasons: [{ code: 'worker_silent', detail: 'worker 7 does not answer' }],
  });
});

test('several processes have one metric of a name, with a label for each of them; a single one has no such label', () => {
  const joint = jointMetrics([worker(1, READY, 5), { worker: 2, snapshot: undefined }, worker(3, READY, 6)]);
  assert.deepEqual(joint, [
    {
      name: 'a_total',
      kind: 'counter',
      help: 'A.',
      labels: ['code', 'worker'],
      samples: [
        { labels: ['ok', '1'], value: 5 },
        { labels: ['ok', '3'], value: 6 },
      ],
    },
  ]);
  assert.deepEqual(jointMetrics([worker(undefined, READY)])[0]?.labels, ['code']);
});
