import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endpointTarget } from './endpoint.ts';

describe('no endpoint is', () => {
  for (const endpoint of [
    '',
    '/run/agent.sock',
    'unix:',
    'unix://',
    'unix:run/agent.sock',
    'unix://host/agent.sock',
    'unix:///agent.sock?x=1',
    'unix:///agent.sock#x',
    'unix:///agent%2e.sock',
    'unix:///agent\0.sock',
    'tcp://localhost:8000',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:0',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:80/path',
    'tcp://user@127.0.0.1:80',
    'tcp://::1:80',
    'tcp://[127.0.0.1]:80',
    'http://127.0.0.1:80',
  ]) {
    test(JSON.stringify(endpoint), () => assert.throws(() => endpointTarget(endpoint), RangeError));
  }
});

for (const [endpoint, target] of [
  ['unix:///run/agent.sock', 'unix:/run/agent.sock'],
  ['unix:/run/agent.sock', 'unix:/run/agent.sock'],
  ['tcp://127.0.0.1:8000', 'ipv4:127.0.0.1:8000'],
  ['tcp://[::1]:8000', 'ipv6:[::1]:8000'],
] as const) {
  test(`${endpoint} is an endpoint`, () => assert.equal(endpointTarget(endpoint), target));
}
