import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken, Problem } from '@sidegate/sdk';
import { createSharedTokens, type SharedToken, type ShareToken, type StoreCommand } from './shared-tokens.ts';
import { createTokenSeal } from './token-seal.ts';

const NOW = Date.UTC(2026, 0, 1);

/** The commands that are used, as Redis documents them, over one map that all replicas see. */
class Store {
  readonly entries = new Map<string, { value: string; until: number }>();
  now = NOW;
  away = false;

  readonly command: StoreCommand = async ([name, ...words]) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.away) throw new Error('connection refused');
    const live = (key: string): string | null => {
      const entry = this.entries.get(key);
      return entry === undefined || entry.until <= this.now ? null : entry.value;
    };
    if (name === 'GET') return live(words[0] ?? '');
    if (name === 'SET') {
      const [key = '', value = '', ...options] = words;
      if (options.includes('NX') && live(key) !== null) return null;
      this.entries.set(key, { value, until: this.now + Number(options[options.indexOf('PX') + 1]) });
      return 'OK';
    }
    assert.equal(name, 'EVAL');
    const [, , key = '', owner] = words;
    return live(key) === owner && this.entries.delete(key) ? 1 : 0;
  };
}

interface Replica {
  /** Milliseconds that it has paused. */
  readonly waited: () => number;
  readonly share: ShareToken;
  readonly told: (string | undefined)[];
}

function replica(store: Store, name: string): Replica {
  const told: (string | undefined)[] = [];
  let ids = 0;
  let waited = 0;
  const share = createSharedTokens({
    command: store.command,
    clock: { now: () => store.now, monotonic: () => waited },
    keyPrefix: 'p:',
    newId: () => `${name}-${(ids += 1)}`,
    pause: async (milliseconds) => {
      waited += milliseconds;
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    onChange: (failure) => told.push(failure?.message),
  });
  return { share, told, waited: () => waited };
}

const shared = (identity: readonly unknown[] = ['a'], secret = 'secret'): SharedToken => ({
  identity,
  seal: createTokenSeal(secret, JSON.stringify(identity)),
  refreshBeforeMs: 60_000,
});

function issuer(store: Store) {
  const issued: string[] = [];
  const ask = async (): Promise<AccessToken> => {
    issued.push(`canary-token-${issued.length + 1}`);
    const value = issued.at(-1) ?? '';
    await new Promise((resolve) => setTimeout(resolve, 5));
    return new AccessToken(value, { expiresAt: store.now + 300_000, scopes: ['read'], issuedScope: undefined });
  };
  return { ask, issued };
}

test('C-217 other identities get other tokens, and none is read as another', async () => {
  const store = new Store();
  const { share } = replica(store, 'a');
  const { ask, issued } = issuer(store);
  const identities = [
    ['issuer', 'client'],
    ['issuer', 'client2'],
    ['issuer2', 'client'],
    ['issuer', 'client', 'certificate'],
  ];
  for (const identity of identities) await share(shared(identity), ask);
  assert.equal(new Set(issued).size, identities.length);
  const [first, second] = [...store.entries.keys()];
  assert.ok(first !== undefined && second !== undefined);
  store.entries.set(second, store.entries.get(first) ?? { value: '', until: 0 });
  assert.equal((await share(shared(identities[1]), ask)).reveal(), 'canary-token-5', 'a moved entry is not opened');
});

test('C-226 the store holds no token, and what somebody else wrote there is not used', async () => {
  const store = new Store();
  const { ask } = issuer(store);
  const { share } = replica(store, 'a');
  await share(shared(), ask);
  const [[key, { value }] = ['', { value: '' }]] = [...store.entries];
  for (const text of [value, Buffer.from(value, 'base64').toString('latin1')]) assert.ok(!text.includes('canary'));
  const forged = JSON.stringify({
    value: 'evil',
    expiresAt: NOW * 2,
    refreshAt: NOW * 2,
    scopes: [],
    issuedScope: null,
  });
  for (const [index, wrong] of [
    '',
    'x',
    forged,
    Buffer.from(forged).toString('base64'),
    createTokenSeal('another secret', JSON.stringify(['a'])).close(forged),
    `${value.slice(0, -8)}AAAAAAA=`,
  ].entries()) {
    store.entries.set(key, { value: wrong, until: NOW * 2 });
    assert.equal((await share(shared(), ask)).reveal(), `canary-token-${index + 2}`);
  }
});

test('fifty replicas at once ask the issuer once', async () => {
  const store = new Store();
  const { ask, issued } = issuer(store);
  const replicas = Array.from({ length: 50 }, (_, index) => replica(store, `r${index}`));
  const tokens = await Promise.all(replicas.map(({ share }) => share(shared(), ask)));
  assert.deepEqual([issued.length, new Set(tokens.map((token) => token.reveal())).size], [1, 1]);
  assert.deepEqual(
    tokens.map(({ expiresAt, scopes, issuedScope }) => [expiresAt - NOW, scopes[0], issuedScope]),
    tokens.map(() => [300_000, 'read', undefined]),
  );
});

test('a token that is about to expire is asked for again, by one of them', async () => {
  const store = new Store();
  const { ask, issued } = issuer(store);
  const [first, second] = [replica(store, 'a'), replica(store, 'b')];
  await first.share(shared(), ask);
  store.now += 239_000;
  assert.equal((await second.share(shared(), ask)).reveal(), 'canary-token-1');
  store.now += 2_000;
  await Promise.all([first, second].map(({ share }) => share(shared(), ask)));
  assert.equal(issued.length, 2);
});

test('when the one that asks gets nothing, the next one asks; nobody waits for a lock that is gone', async () => {
  const store = new Store();
  const { ask } = issuer(store);
  const refused = () => Promise.reject(new Problem('idp_unavailable', 'no answer'));
  const [first, second] = [replica(store, 'a'), replica(store, 'b')];
  await assert.rejects(first.share(shared(), refused), { code: 'idp_unavailable' });
  assert.equal((await second.share(shared(), ask)).reveal(), 'canary-token-1');
  assert.deepEqual(
    [...store.entries.keys()].filter((key) => key.endsWith(':lock')),
    [],
  );
});

test('a lock whose owner died holds nobody up for longer than a token request takes', async () => {
  const store = new Store();
  const { ask, issued } = issuer(store);
  const { share, waited } = replica(store, 'a');
  await share(shared(), ask);
  const [key = ''] = store.entries.keys();
  store.entries.clear();
  store.entries.set(`${key}:lock`, { value: 'dead', until: NOW + 3_600_000 });
  await share(shared(), ask);
  assert.equal(issued.length, 2);
  assert.ok(waited() >= 6_000 && waited() <= 6_100, `${waited()} ms`);
  assert.equal(store.entries.get(`${key}:lock`)?.value, 'dead', "another's lock is left alone");
});

test('without the store each replica asks for itself, and says so once, and once when it is back', async () => {
  const store = new Store();
  const { ask, issued } = issuer(store);
  const { share, told } = replica(store, 'a');
  store.away = true;
  for (let i = 0; i < 3; i += 1) await share(shared(), ask);
  assert.deepEqual([issued.length, told], [3, ['connection refused']]);
  store.away = false;
  await share(shared(), ask);
  await share(shared(), ask);
  assert.deepEqual([issued.length, told], [4, ['connection refused', undefined]]);
});
