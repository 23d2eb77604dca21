import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HopEvent, LabEvent } from '../lab/event.ts';
import { jsonReporter, textReporter } from './up-report.ts';

const hop: HopEvent = {
  event: 'hop',
  request: 'john orders',
  service: 'order-service',
  direction: 'ingress',
  decision: 'allow',
  status: 201,
  method: 'POST',
  path: '/orders',
  downstream: 'app',
  upstream_path: '/orders',
  caller: 'spiffe://example.org/zone1/api-gateway',
  user: 'user-123 (john)',
  token: { issuer: 'https://idp/realms/users', audience: ['a', 'b'], client_id: 'web-app', scope: 'openid' },
  rule: 'order.rego:8',
  reasons: [],
  duration_ms: 12.34,
  correlation_id: 'walk-1',
};
const failure: LabEvent = { event: 'summary', ok: false, checks: 1, attacks: 2, failed: ['S3-085', 'a way in'] };

function printed(colour: boolean, ...events: readonly LabEvent[]): string {
  let text = '';
  const report = textReporter({ write: (part) => void (text += part), colour });
  for (const event of events) report(event);
  return text;
}

test('what failed is listed, and no order is told as such', () => {
  assert.equal(
    printed(false, failure),
    '\nResult\n  1 promises and 2 ways in: 2 did not hold\n  ✗ S3-085\n  ✗ a way in\n  no order was answered\n',
  );
});

test('a hop says who called, for whom, with which token, which rule decided and how long it took', () => {
  const text = printed(false, hop);
  for (const part of [
    'order-service POST /orders  allow 201  12.3 ms',
    'spiffe://example.org/zone1/api-gateway',
    'user-123 (john)',
    'issuer https://idp/realms/users, audience a b, client web-app, scope openid',
    'order.rego:8',
  ]) {
    assert.ok(text.includes(part), `${part} is not in\n${text}`);
  }
});

test('colour only where it is asked for', () => {
  assert.ok(!printed(false, hop, failure).includes('\u001b['));
  assert.ok(printed(true, hop, failure).includes('\u001b['));
});

test('a chapter has its title once', () => {
  assert.equal(printed(false, hop, hop).match(/Walk-through: john orders/g)?.length, 1);
});

test('an event is one line of JSON', () => {
  let text = '';
  jsonReporter({ write: (part) => void (text += part) })(hop);
  assert.deepEqual([text.endsWith('\n'), JSON.parse(text)], [true, hop]);
});
