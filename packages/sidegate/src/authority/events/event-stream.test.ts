import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  createPushedJwks,
  parsePlace,
  type RevocationChange,
  type RevocationEvent,
  Revocations,
  verifySecurityEvent,
} from '@sidegate/sdk';
import { until } from '../../../../../tests/support/until.ts';
import { listen } from '../../net/listener.ts';
import { loadSigningKeys } from '../issuer/key-directory.ts';
import type { KeyRing } from '../issuer/signing-key.ts';
import { EventStream } from './event-stream.ts';
import { RevocationJournal } from './revocation-journal.ts';
import { memoryRevocationStore } from './revocation-store.ts';

const issuer = 'https://idp.example.com/realms/services';
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const endsAt = Math.floor(Date.now() / 1000) + 3_600;
/** More than is kept to go on from. */
const ALL = 6_000;
const LIMITS = { readTimeoutMs: 10_000, writeTimeoutMs: 30_000, idleTimeoutMs: 30_000, maxHeaderBytes: 8_192 };

const revoke = (value: string): RevocationChange => ({
  operation: 'revoke',
  revocation: { kind: 'jti', value, issuedUntil: undefined, endsAt },
});
const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `jti-of-22-characters-${from + index}`);

async function start() {
  const loaded = await loadSigningKeys('services', ['ES256'], undefined);
  const lost = { keys: false };
  const keys: KeyRing = {
    ...loaded.keys,
    current: (algorithm) => (lost.keys ? undefined : loaded.keys.current(algorithm)),
  };
  const journal = await RevocationJournal.open({ store: memoryRevocationStore(), maxEntries: 1_000_000, clock });
  const stream = new EventStream({ issuer, keys, journal, clock });
  const sockets: Socket[] = [];
  let left = 0;
  const listener = await listen(
    { ...LIMITS, host: '127.0.0.1', port: 0 },
    {
      request: ({ socket, fields }, reply) => {
        sockets.push(socket);
        const place = parsePlace(fields.single('last-event-id') ?? '');
        const leave = stream.subscribe(reply, { place, mayStay: () => true, onLeft: () => (left += 1) });
        return { aborted: leave, broken: () => undefined };
      },
      malformed: () => undefined,
      mayStay: () => true,
      handshakeFailed: () => undefined,
    },
  );
  return {
    journal,
    lost,
    stream,
    /** On the server's side. */
    sockets,
    left: () => left,
    keySet: createPushedJwks(Buffer.from(JSON.stringify({ keys: keys.published() }))),
    connect: async (place = '') => {
      const socket = net.connect(listener.address.port, '127.0.0.1');
      await once(socket, 'connect');
      const tokens: string[] = [];
      let rest = '';
      socket.on('data', (bytes: Buffer) => {
        const lines = (rest + bytes.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        // Sizes of chunks stand on lines of their own.
        for (const line of lines) if (line.startsWith('data: ')) tokens.push(line.slice('data: '.length));
      });
      socket.on('error', () => undefined);
      socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ${place}\r\n\r\n`);
      return { socket, tokens };
    },
    async [Symbol.asyncDispose]() {
      stream.close();
      await listener.close(0);
    },
  };
}

/** What a listener knows after these, and how many of each kind they were. */
async function heard(tokens: readonly string[], keys: Awaited<ReturnType<typeof start>>['keySet']) {
  let known = new Revocations({ maxEntries: 1_000_000, clock });
  const events: RevocationEvent[] = [];
  for (const token of tokens) {
    const event = await verifySecurityEvent(token, { issuer, keys, now: Date.now() / 1000 });
    events.push(event);
    if (event.type === 'change') known.apply(event.change);
    else {
      if (event.part === 0) known = new Revocations({ maxEntries: 1_000_000, clock });
      for (const revocation of event.revocations) known.apply({ operation: 'revoke', revocation });
    }
  }
  return { known, events };
}

test('a state of twenty thousand is told in parts, each no larger than a token may be', async () => {
  await using started = await start();
  await started.journal.record(ids(0, 20_000).map(revoke));
  const { tokens } = await started.connect();
  let count = -1;
  while (tokens.length === 0 || count !== tokens.length) {
    count = tokens.length;
    await pause(500);
  }
  assert.ok(tokens.every((token) => token.length <= 8_192));
  const { known, events } = await heard(tokens, started.keySet);
  assert.equal(known.size, 20_000);
  const parts = events.filter((event) => event.type === 'state');
  assert.deepEqual(
    parts.map(({ part }) => part),
    parts.map((_, index) => index),
  );
  assert.deepEqual(
    parts.map(({ last }) => last),
    parts.map((_, index) => index === parts.length - 1),
  );
});

test('for a listener that reads nothing, nothing is kept: others hear everything, it goes on once it reads, and one that comes too late hears the state', async () => {
  await using started = await start();
  const { journal, sockets, keySet } = started;
  const slow = await started.connect();
  await until(() => slow.tokens.length === 1);
  slow.socket.pause();
  const other = await started.connect();
  await until(() => other.tokens.length === 1);
  let most = 0;
  for (let from = 0; from < ALL; from += 1_000) {
    await journal.record(ids(from, from + 1_000).map(revoke));
    await until(() => other.tokens.length >= 1 + from + 1_000, 20_000);
    most = Math.max(most, sockets[0]?.writableLength ?? 0);
  }
  assert.equal((await heard(other.tokens, keySet)).known.size, ALL);
  assert.ok(most < 256 * 1024, `${most} bytes wait for one that reads nothing`);
  slow.socket.resume();
  let count = -1;
  while (count !== slow.tokens.length) {
    count = slow.tokens.length;
    await pause(1_000);
  }
  assert.equal((await heard(slow.tokens, keySet)).known.size, ALL);

  const late = await started.connect(`${journal.epoch}.${ALL - 2}`);
  const tooLate = await started.connect(`${journal.epoch}.1`);
  await until(() => late.tokens.length >= 2);
  await until(() => tooLate.tokens.length > 0);
  await pause(500);
  assert.equal(late.tokens.length, 2);
  const { known, events } = await heard(tooLate.tokens, keySet);
  assert.deepEqual([known.size, events.filter(({ type }) => type === 'change').length], [ALL, 0]);
});

test('while nothing can be signed nobody is told half of it: who listens is sent away, and gets the whole state afterwards', async () => {
  await using started = await start();
  const { journal, lost, keySet } = started;
  const before = await started.connect();
  await until(() => before.tokens.length === 1);
  lost.keys = true;
  await journal.record(['a', 'b'].map(revoke));
  await once(before.socket, 'close');
  assert.equal(before.tokens.length, 1);
  lost.keys = false;
  await journal.record([revoke('c')]);
  const after = await started.connect(`${journal.epoch}.0`);
  await until(() => after.tokens.length > 0);
  await pause(100);
  const { known } = await heard(after.tokens, keySet);
  assert.deepEqual(
    [...known.entries()].map(({ value }) => value),
    ['a', 'b', 'c'],
  );
});

test('who has gone is forgotten, and the end of the stream ends every answer', async () => {
  await using started = await start();
  const [first, second] = [await started.connect(), await started.connect()];
  await until(() => started.stream.size === 2);
  first.socket.destroy();
  await until(() => started.stream.size === 1);
  assert.deepEqual([started.stream.size, started.left()], [1, 1]);
  started.stream.close();
  await once(second.socket, 'close');
  assert.deepEqual([started.stream.size, started.left()], [0, 2]);
});
