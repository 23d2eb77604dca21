import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Metrics } from './metrics.ts';
import { metricsText, preferredFormat } from './metrics-text.ts';

const REQUESTS = { name: 'a_total', help: 'Requests.', labels: ['code'] };

describe('a reader of metrics', () => {
  const PROMETHEUS =
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  const ROWS: readonly (readonly [title: string, accept: readonly string[], expected: string])[] = [
    ['that names no format', [], 'prometheus'],
    ['that takes anything', ['*/*'], 'prometheus'],
    ['that names another format', ['application/json'], 'prometheus'],
    ['that refuses OpenMetrics', ['application/openmetrics-text;q=0'], 'prometheus'],
    ['that knows a later OpenMetrics only', ['application/openmetrics-text; version=2.0.0'], 'prometheus'],
    ['whose weight is none', ['application/openmetrics-text;q=high'], 'prometheus'],
    ['that prefers plain text', ['application/openmetrics-text;q=0.5, text/plain'], 'prometheus'],
    ['that is Prometheus', [PROMETHEUS], 'openmetrics'],
    ['that names OpenMetrics in capitals', ['Application/OpenMetrics-Text'], 'openmetrics'],
    ['that says it in two fields', ['text/plain;q=0.1', 'application/openmetrics-text;version="1.0.0"'], 'openmetrics'],
  ];
  for (const [title, accept, expected] of ROWS) {
    test(`${title} gets ${expected}`, () => assert.equal(preferredFormat(accept), expected));
  }
});

describe('metrics', () => {
  test('have as many label values as labels', () => {
    const requests = new Metrics().counter(REQUESTS);
    assert.throws(() => requests.with(), /other labels/);
    assert.throws(() => requests.with('a', 'b'), /other labels/);
  });

  test('are told apart by their labels, and the same labels are the same metric', () => {
    const metrics = new Metrics();
    const requests = metrics.counter(REQUESTS);
    requests.with('ok').increment();
    requests.with('denied').increment(2);
    requests.with('ok').increment();
    assert.deepEqual(metrics.read()[0]?.samples, [
      { labels: ['ok'], value: 2 },
      { labels: ['denied'], value: 2 },
    ]);
  });

  test('of time fall into the first place whose bound they do not exceed', () => {
    const metrics = new Metrics();
    const duration = metrics.durations({ name: 'd_seconds', help: 'Time.', labels: [] }).with();
    for (const seconds of [0, 0.001, 0.001_000_1, 10, 11]) duration.observe(seconds);
    const text = metricsText(metrics.read(), 'prometheus');
    assert.match(text, /^d_seconds_bucket\{le="0.0005"\} 1$/m);
    assert.match(text, /^d_seconds_bucket\{le="0.001"\} 2$/m);
    assert.match(text, /^d_seconds_bucket\{le="0.0025"\} 3$/m);
    assert.match(text, /^d_seconds_bucket\{le="10.0"\} 4$/m);
    assert.match(text, /^d_seconds_bucket\{le="\+Inf"\} 5$/m);
    assert.match(text, /^d_seconds_count 5$/m);
    assert.match(text, /^d_seconds_sum 21.0020001$/m);
  });

  test('that somebody else knows are asked for at each reading', () => {
    const metrics = new Metrics();
    let now = 1;
    metrics.observed({ name: 'g', help: 'G.', labels: [] }, 'gauge', () => [{ labels: [], value: now }]);
    assert.equal(metrics.read()[0]?.samples[0]?.value, 1);
    now = Number.POSITIVE_INFINITY;
    assert.match(metricsText(metrics.read(), 'prometheus'), /^g \+Inf$/m);
  });
});

describe('the text of metrics', () => {
  const metrics = new Metrics();
  metrics
    .counter({ ...REQUESTS, help: 'a "quoted" \\ and\na second line' })
    .with('x"\\\ny')
    .increment();

  test('escapes what could end a label or a line', () => {
    assert.equal(
      metricsText(metrics.read(), 'prometheus'),
      '# HELP a_total a "quoted" \\\\ and\\na second line\n# TYPE a_total counter\na_total{code="x\\"\\\\\\ny"} 1\n',
    );
  });

  test('in OpenMetrics names a counter without its ending, and ends', () => {
    assert.equal(
      metricsText(metrics.read(), 'openmetrics'),
      '# HELP a a \\"quoted\\" \\\\ and\\na second line\n# TYPE a counter\na_total{code="x\\"\\\\\\ny"} 1\n# EOF\n',
    );
  });
});
