import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint, type SigningKey } from '../../../../tests/support/tokens.ts';
import { until } from '../../../../tests/support/until.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import type { Revocation } from './revocation.ts';
import { RevocationFeed } from './revocation-feed.ts';
import { type RevocationEvent, securityEventClaims } from './security-event.ts';

const issuer = 'https://idp.example.com/realms/services';
const key = createSigningKey('ES256', 'k');
const NOW = 1_790_000_000;
const jti = (value: string): Revocation => ({ kind: 'jti', value, issuedUntil: undefined, endsAt: NOW + 9_000 });

const signed = (event: RevocationEvent, by: SigningKey = key, at = NOW): string =>
  mint(securityEventClaims(event, { issuer, now: at }), { key: by, header: { typ: 'secevent+jwt' } });
const stateOf = (
  sequence: number,
  values: readonly string[],
  more: Partial<RevocationEvent & { type: 'state' }> = {},
): RevocationEvent => ({
  type: 'state',
  epoch: 'e',
  sequence,
  part: 0,
  last: true,
  revocations: values.map(jti),
  ...more,
});
const changeOf = (
  sequence: number,
  value: string,
  more: Partial<RevocationEvent & { type: 'change' }> = {},
): RevocationEvent => ({
  type: 'change',
  epoch: 'e',
  sequence,
  previous: sequence - 1,
  change: { operation: 'revoke', revocation: jti(value) },
  ...more,
});
const liftOf = (sequence: number, value: string): RevocationEvent =>
  changeOf(sequence, value, { change: { operation: 'lift', revocation: jti(value) } });

/** A feed whose server says what the test lets it say. */
function open(options: { readonly maxEntries?: number; readonly maxGapMs?: number } = {}) {
  const time = manualTime(NOW * 1000);
  const asked: (string | undefined)[] = [];
  const troubles: (string | undefined)[] = [];
  let say: (data: string | undefined | Error) => void = () => undefined;
  const feed = new RevocationFeed({
    issuer,
    keys: createPushedJwks(keySetBytes(key.jwk())),
    connect: (lastEventId) => {
      asked.push(lastEventId);
      const waiting: (string | undefined | Error)[] = [];
      let wake = (): void => undefined;
      say = (data) => {
        waiting.push(data);
        wake();
      };
      return (async function* () {
        for (;;) {
          const next = waiting.length > 0 ? waiting.shift() : undefined;
          if (next instanceof Error) throw next;
          if (next !== undefined) yield next;
          else if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        }
      })();
    },
    maxEntries: 100,
    maxGapMs: 30_000,
    ...options,
    clock: time.clock,
    schedule: time.schedule,
    random: () => 0.5,
    onChange: (trouble) => troubles.push(trouble),
  });
  const tell = async (...events: readonly (RevocationEvent | string | Error)[]): Promise<void> => {
    for (const event of events) {
      say(typeof event === 'string' || event instanceof Error ? event : signed(event));
      for (let round = 0; round < 12; round += 1) await turn();
    }
  };
  const values = (): string[] => [...feed.revocations.entries()].map(({ value }) => value);
  /** Waits out the pause before it connects again. */
  const reconnect = async (): Promise<void> => {
    const connections = asked.length;
    await until(() => time.pending().length > 0);
    time.advance(400);
    await until(() => asked.length > connections);
  };
  return { feed, time, asked, troubles, tell, values, reconnect, [Symbol.dispose]: () => feed.close() };
}

test('a feed knows nothing until the whole state is there, then what follows it, and asks from its place', async () => {
  using following = open();
  const { feed, tell, values, asked, reconnect } = following;
  assert.equal(feed.available, false);
  await tell(stateOf(5, ['a'], { last: false }));
  assert.deepEqual([feed.available, values()], [false, []]);
  await tell(stateOf(5, ['b'], { part: 1 }));
  await feed.known;
  assert.deepEqual([feed.available, values()], [true, ['a', 'b']]);
  await tell(changeOf(6, 'c'), liftOf(7, 'a'));
  assert.deepEqual(values(), ['b', 'c']);
  await tell(new Error('gone'));
  assert.deepEqual([feed.available, feed.state.connected], [true, false]);
  await reconnect();
  assert.deepEqual(asked, [undefined, 'e.7']);
});

describe('what a hostile server says', () => {
  const IGNORED: readonly (readonly [title: string, events: readonly RevocationEvent[]])[] = [
    ['an event that was already said', [changeOf(6, 'c'), changeOf(6, 'other')]],
    [
      'a lift that was recorded before the next revocation',
      [changeOf(6, 'c'), liftOf(7, 'c'), changeOf(8, 'c'), liftOf(7, 'c')],
    ],
    ['everything from the beginning once more', [changeOf(6, 'c'), changeOf(1, 'x'), changeOf(2, 'y'), liftOf(3, 'a')]],
  ];
  for (const [title, events] of IGNORED) {
    test(`${title} changes nothing`, async () => {
      using following = open();
      await following.tell(stateOf(5, ['a']), ...events);
      assert.deepEqual([following.feed.available, following.values()], [true, ['a', 'c']]);
      assert.equal(following.asked.length, 1);
    });
  }

  const BROKEN: readonly (readonly [
    title: string,
    said: readonly (RevocationEvent | string)[],
    place: string | undefined,
  ])[] = [
    ['an event that nobody has signed', ['hello'], 'e.5'],
    ['an event that another key has signed', [signed(liftOf(6, 'a'), createSigningKey('ES256', 'k'))], 'e.5'],
    ['an access token', [mint({ iss: issuer, aud: `${issuer}/events`, sub: 'x' }, { key })], 'e.5'],
    ['an event behind one that is missing', [liftOf(7, 'a')], undefined],
    ['an event of another history', [changeOf(6, 'c', { epoch: 'f' })], undefined],
    ['a state from before', [stateOf(4, [])], undefined],
    ['a state that was signed long ago', [signed(stateOf(9, []), key, NOW - 3_600)], 'e.5'],
    ['a state without its first part', [stateOf(9, [], { part: 1 })], undefined],
    ['a state without one of its parts', [stateOf(9, [], { last: false }), stateOf(9, [], { part: 2 })], undefined],
    ['parts of two states', [stateOf(9, [], { last: false }), stateOf(10, [], { part: 1 })], undefined],
    ['a change inside of a state', [stateOf(9, [], { last: false }), liftOf(6, 'a')], undefined],
    [
      'more than may be remembered',
      [
        stateOf(
          9,
          Array.from({ length: 101 }, (_, index) => `jti-${index}`),
        ),
      ],
      undefined,
    ],
  ];
  for (const [title, said, place] of BROKEN) {
    test(`${title} ends the stream, what is in force stays, and what was missed is asked for`, async () => {
      using following = open();
      await following.tell(stateOf(5, ['a']), ...said);
      assert.deepEqual(following.values(), ['a']);
      assert.equal(following.feed.state.connected, false);
      await following.reconnect();
      assert.deepEqual(following.asked, [undefined, place]);
      await following.tell(stateOf(12, ['a', 'later']));
      assert.deepEqual([following.feed.available, following.values()], [true, ['a', 'later']]);
    });
  }

  test('a state of another history, signed now, takes the place of the one before', async () => {
    using following = open();
    await following.tell(stateOf(5, ['a']), stateOf(1, ['b'], { epoch: 'f' }));
    assert.deepEqual(following.values(), ['b']);
  });
});

test('after the longest gap what is known does not count as complete, and counts again once it does', async () => {
  using following = open({ maxGapMs: 5_000 });
  const { feed, time, tell, troubles, asked } = following;
  await tell(stateOf(5, ['a']), new Error('gone'));
  time.advance(4_900);
  assert.equal(feed.available, true);
  time.advance(200);
  assert.equal(feed.available, false);
  assert.deepEqual(following.values(), ['a']);
  await until(() => asked.length > 1);
  await tell(changeOf(6, 'b'));
  assert.deepEqual([feed.available, following.values()], [true, ['a', 'b']]);
  assert.equal(troubles.at(-1), undefined);
  assert.ok(troubles.includes('gone') && troubles.includes('what is revoked is not known any more'), troubles.join());
});

test('listeners are told once for all that comes together, and whether it concerns who holds a connection', async () => {
  using following = open();
  const told: string[] = [];
  await following.tell(stateOf(5, []));
  const end = following.feed.onRevoked((concerned) => told.push(concerned));
  await following.tell(changeOf(6, 'a'));
  const client: Revocation = { kind: 'client', value: 'x', issuedUntil: undefined, endsAt: undefined };
  await following.tell(changeOf(7, 'x', { change: { operation: 'revoke', revocation: client } }), liftOf(8, 'a'));
  end();
  await following.tell(changeOf(9, 'b'));
  assert.deepEqual(told, ['tokens', 'peers']);
});
