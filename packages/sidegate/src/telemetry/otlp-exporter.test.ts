/** What happens to spans and log records whose collector is slow, away, or does not want them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HttpRequest, HttpResponse } from '@sidegate/sdk';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { LOGS, resource } from './otlp.ts';
import { createOtlpExporter } from './otlp-exporter.ts';

type Answer = Partial<HttpResponse> | Error;

function setUp(answers: readonly Answer[]) {
  const time = manualTime();
  const requests: HttpRequest[] = [];
  const changes: (string | undefined)[] = [];
  const items = { exported: 0, dropped: 0 };
  const exporter = createOtlpExporter({
    http: (request) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? {};
      requests.push(request);
      if (answer instanceof Error) return Promise.reject(answer);
      return Promise.resolve({ status: 200, headers: {}, body: Buffer.from('{}'), ...answer });
    },
    endpoint: 'http://127.0.0.1:4318',
    headers: { authorization: 'Bearer t' },
    timeoutMs: 1_000,
    signal: LOGS,
    resource: resource('orders'),
    schedule: time.schedule,
    random: () => 0,
    onChange: (failure) => changes.push(failure),
    onItems: (result, count) => {
      items[result] += count;
    },
  });
  const pass = async (ms: number): Promise<void> => {
    time.advance(ms);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { exporter, requests, changes, items, pass, time };
}

const bodyOf = (request: HttpRequest | undefined): unknown => JSON.parse(request?.body ?? '');

describe('a collector', () => {
  test('that is away loses nothing that fits: the same batch is sent again, after longer and longer pauses', async () => {
    const { exporter, requests, changes, items, pass, time } = setUp([new Error('refused'), { status: 503 }, {}]);
    exporter.add('{"a":1}');
    await pass(1_000);
    assert.deepEqual([requests.length, items.dropped, changes], [1, 0, ['refused']]);
    assert.deepEqual(time.pending(), [1_000]);
    await pass(1_000);
    assert.deepEqual(time.pending(), [2_000]);
    await pass(2_000);
    assert.deepEqual([requests.length, items, changes], [3, { exported: 1, dropped: 0 }, ['refused', undefined]]);
    assert.equal(requests[0]?.body, requests[2]?.body);
  });

  test('that names its pause is asked after it, but not later than in half a minute', async () => {
    const { exporter, pass, time } = setUp([{ status: 429, headers: { 'retry-after': '7200' } }]);
    exporter.add('{}');
    await pass(1_000);
    assert.deepEqual(time.pending(), [30_000]);
  });

  for (const status of [301, 400, 401, 404, 413, 500]) {
    test(`that answers ${status} gets the batch no second time: it is lost and counted`, async () => {
      const { exporter, requests, items, pass } = setUp([{ status }]);
      exporter.add('{}');
      exporter.add('{}');
      await pass(1_000);
      await pass(60_000);
      assert.deepEqual([requests.length, items], [1, { exported: 0, dropped: 2 }]);
    });
  }

  for (const [title, body, dropped] of [
    ['that takes a part', '{"partialSuccess":{"rejectedLogRecords":"2"}}', 2],
    ['that claims to have refused more than it got', '{"partialSuccess":{"rejectedLogRecords":9000}}', 3],
    ['that counts what makes no sense', '{"partialSuccess":{"rejectedLogRecords":-1}}', 0],
    ['whose answer cannot be read', '{"partialSuccess":', 0],
  ] as const) {
    test(`${title} leaves ${dropped} of 3 records lost`, async () => {
      const { exporter, items, pass } = setUp([{ body: Buffer.from(body) }]);
      for (let index = 0; index < 3; index += 1) exporter.add('{}');
      await pass(1_000);
      assert.deepEqual(items, { exported: 3 - dropped, dropped });
    });
  }

  test('that stays away costs bounded memory: the latest are lost and counted', async () => {
    const { exporter, items, pass } = setUp([new Error('refused')]);
    for (let index = 0; index < 10_000; index += 1) exporter.add('{}');
    assert.equal(items.dropped, 10_000 - 8_192);
    await pass(60_000);
    assert.equal(items.dropped, 10_000 - 8_192);
    await exporter.close();
    assert.deepEqual(items, { exported: 0, dropped: 10_000 });
  });
});

describe('an exporter', () => {
  test('sends what came within a second together, at once when there is much', async () => {
    const { exporter, requests, pass } = setUp([{}]);
    exporter.add('{"n":1}');
    exporter.add('{"n":2}');
    assert.equal(requests.length, 0);
    await pass(1_000);
    assert.equal(requests[0]?.url, 'http://127.0.0.1:4318/v1/logs');
    assert.equal(requests[0]?.headers['authorization'], 'Bearer t');
    assert.deepEqual(bodyOf(requests[0]), {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'orders' } }] },
          scopeLogs: [{ scope: { name: 'sidegate' }, logRecords: [{ n: 1 }, { n: 2 }] }],
        },
      ],
    });
    for (let index = 0; index < 512; index += 1) exporter.add('{}');
    assert.equal(requests.length, 2);
  });

  test('that is closed sends what waits, and takes nothing more', async () => {
    const { exporter, requests, items } = setUp([{}]);
    for (let index = 0; index < 600; index += 1) exporter.add('{}');
    await exporter.close();
    exporter.add('{}');
    assert.deepEqual([requests.length, items], [2, { exported: 600, dropped: 1 }]);
  });
});
