import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../../../tests/support/fields.ts';
import { continueTrace, formatTraceparent, NEVER, sampleShare } from '../telemetry/trace-context.ts';
import { correlationIdOf } from './correlation.ts';

const randomHex = (bytes: number): string => 'ab'.repeat(bytes);

for (const value of ['a b', 'req\u00e9', '', 'x'.repeat(129), 'a;b', '{"a":1}']) {
  test(`C-121 the correlation id ${JSON.stringify(value.slice(0, 12))} is replaced`, () => {
    assert.equal(correlationIdOf(fieldsOf(['X-Correlation-ID', value]), randomHex), `req-${'ab'.repeat(12)}`);
  });
}

test('C-121 two correlation ids are replaced', () => {
  assert.equal(
    correlationIdOf(fieldsOf(['X-Correlation-ID', 'a', 'x-correlation-id', 'b']), randomHex),
    `req-${'ab'.repeat(12)}`,
  );
});

test('S3-232 a correlation id is made when absent and kept when sent', () => {
  assert.match(correlationIdOf(fieldsOf([]), randomHex), /^req-[0-9a-f]{24}$/);
  assert.equal(correlationIdOf(fieldsOf(['x-correlation-id', 'req-abc-123']), randomHex), 'req-abc-123');
});

const PARENT = '4bf92f3577b34da6a3ce929d0e0e4736';

for (const header of ['', '00-x', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `01-${PARENT}-00f067aa0ba902b7-01`]) {
  test(`the traceparent "${header}" starts a new trace`, () => {
    const trace = continueTrace(header, { randomHex, sampler: NEVER });
    assert.deepEqual([trace.traceId, trace.parentSpanId], ['ab'.repeat(16), undefined]);
  });
}

test('a traceparent is continued with a span of our own', () => {
  const trace = continueTrace(`00-${PARENT}-00f067aa0ba902b7-01`, { randomHex, sampler: NEVER });
  assert.deepEqual(trace, { traceId: PARENT, spanId: 'ab'.repeat(8), parentSpanId: '00f067aa0ba902b7', sampled: true });
  assert.equal(formatTraceparent(trace), `00-${PARENT}-${'ab'.repeat(8)}-01`);
});

test('a caller decides whether its trace is kept, whatever we would have chosen', () => {
  const [dropped, kept] = [`00-${PARENT}-00f067aa0ba902b7-00`, `00-${PARENT}-00f067aa0ba902b7-01`];
  assert.equal(continueTrace(dropped, { randomHex, sampler: () => true }).sampled, false);
  assert.equal(continueTrace(kept, { randomHex, sampler: NEVER }).sampled, true);
});

for (const [ratio, digits, sampled] of [
  [0, 'ffffffffffffff', false],
  [0.5, '7fffffffffffff', false],
  [0.5, '80000000000000', true],
  [1, '00000000000000', true],
] as const) {
  test(`of the traces that begin here with a ratio of ${ratio}, one that ends in ${digits} is ${sampled ? 'kept' : 'not kept'}`, () => {
    assert.equal(sampleShare(ratio)(`${'a'.repeat(18)}${digits}`), sampled);
  });
}
