/** `observability.logging`: what is logged, and how. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type LoggerOptions } from './logger.ts';

function logged(options?: LoggerOptions): string[] {
  const lines: string[] = [];
  const logger = createLogger('orders', { write: (line) => lines.push(line) }, options);
  logger.debug('a detail');
  logger.info({ issuer: 'users realm' }, 'keys are there\nlevel=error');
  logger.warn('keys could not be loaded');
  logger.error('an answer could not be written');
  return lines;
}

const LEVELS = [
  ['debug', 4],
  ['info', 3],
  ['warn', 2],
  ['error', 1],
] as const;

for (const [level, count] of LEVELS) {
  test(`level ${level} logs ${count} of 4 entries`, () => {
    assert.equal(logged({ level, format: 'json' }).length, count);
  });
}

test('json is an object a line, and the default', () => {
  const [line = ''] = logged();
  const { level, service, issuer, message } = JSON.parse(line) as Record<string, string>;
  assert.deepEqual([level, service, issuer], ['info', 'orders', 'users realm']);
  assert.equal(message, 'keys are there\nlevel=error');
});

test('logfmt is pairs a line, in which nothing ends a line or another pair', () => {
  const [line = ''] = logged({ level: 'info', format: 'logfmt' });
  assert.match(
    line,
    /^level=info time=\S+ service=orders issuer="users realm" message="keys are there\\nlevel=error"\n$/,
  );
});
