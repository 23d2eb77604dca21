import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { reservePorts } from './ports.ts';

test('an address that is not of this machine is refused by name', async () => {
  await assert.rejects(reservePorts(['192.0.2.1'], randomInt), /nothing can listen on 192\.0\.2\.1 here/);
});

test('a port that is in use is not handed out', async () => {
  await using server = createServer();
  const [taken] = await reservePorts(['127.0.3.9'], randomInt);
  assert.ok(taken !== undefined);
  await new Promise<void>((listening) => server.listen(taken, '127.0.3.9', listening));
  let draw = 0;
  const [first] = await reservePorts(['127.0.3.9'], () => taken - 12_000 + draw++);
  assert.equal(first, taken + 1);
});

test('ports on one address differ, and can be bound afterwards', async () => {
  const ports = await reservePorts(['127.0.0.1', '127.0.0.1', '127.0.2.1'], randomInt);
  assert.equal(new Set(ports.slice(0, 2)).size, 2);
  await using server = createServer();
  await new Promise<void>((listening) => server.listen(ports[2], '127.0.2.1', listening));
  assert.ok(server.listening);
});
