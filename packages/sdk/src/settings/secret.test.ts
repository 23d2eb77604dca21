import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

const CANARY = 'canary-7f3a';

for (const [way, print] of [
  ['a template', (secret: Secret) => String.raw`${secret}`],
  ['String()', String],
  ['a joined list', (secret: Secret) => ['x', secret].join('')],
  ['JSON', (secret: Secret) => JSON.stringify({ secret })],
  ['util.inspect', (secret: Secret) => inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
  ['util.format', (secret: Secret) => format('%s %o %j', secret, secret, secret)],
] as const) {
  test(`a secret shows [redacted] in ${way}`, () => {
    const text = print(new Secret(CANARY));
    assert.ok(!text.includes(CANARY));
    assert.match(text, /\[redacted\]/);
  });
}

test('a secret has no property that holds it', () => {
  const secret = new Secret(CANARY);
  assert.deepEqual(Object.getOwnPropertyNames(secret), []);
  assert.ok(!inspect(secret, { customInspect: false, showHidden: true }).includes(CANARY));
  assert.ok(!JSON.stringify(structuredClone({ secret })).includes(CANARY));
});

test('only reveal gives a secret away', () => {
  assert.equal(new Secret(CANARY).reveal(), CANARY);
});
