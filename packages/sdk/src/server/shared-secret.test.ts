import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorized, outgoingRequest, receivedRequest } from '../../../../tests/support/received-request.ts';
import { sharedSecret } from '../client/shared-secret.ts';
import type { ProblemCode } from '../problem.ts';
import { sharedSecretAuthenticator } from './shared-secret.ts';

const OLD = 'a'.repeat(32);
const NEXT = 'b'.repeat(32);
const OTHER = 'c'.repeat(40);
const hidden = (text: string) => ({ reveal: () => text });

const authenticator = sharedSecretAuthenticator({
  callers: {
    'service-a': { secrets: [hidden(OLD), hidden(NEXT)], scopes: ['read'] },
    'service-c': { secrets: [hidden(OTHER)] },
    unset: { secrets: [hidden('')] },
    short: { secrets: [hidden('short')] },
  },
});

type Row = readonly [title: string, code: ProblemCode, values: readonly string[]];
const REFUSED: readonly Row[] = [
  ['no key', 'token_missing', []],
  ['two keys', 'duplicate_header', [OLD, OLD]],
  ['the key of nobody', 'shared_secret_invalid', ['d'.repeat(32)]],
  ['a key that begins as one', 'shared_secret_invalid', [OLD.slice(0, -1)]],
  ['a key that goes on behind one', 'shared_secret_invalid', [`${OLD}a`]],
  ['a key in another case', 'shared_secret_invalid', [OLD.toUpperCase()]],
  ['two keys in one value', 'shared_secret_invalid', [`${OLD}, ${NEXT}`]],
  ['an empty key, although one caller has none at the moment', 'shared_secret_invalid', ['']],
  ['a key that is right and short', 'shared_secret_invalid', ['short']],
  ['a key without end', 'shared_secret_invalid', ['a'.repeat(100_000)]],
];
for (const [title, code, values] of REFUSED) {
  test(`S2-07 ${title} is ${code}`, async () => {
    const request = receivedRequest({ headers: values.map((value) => ['x-api-key', value]) });
    await assert.rejects(async () => authenticator.authenticate(request), { name: 'Problem', code });
  });
}

test('S2-07 a key that two callers have is that of neither', async () => {
  const twice = sharedSecretAuthenticator({
    callers: { a: { secrets: [hidden(OLD)] }, b: { secrets: [hidden(OLD)] } },
  });
  const request = receivedRequest({ headers: [['x-api-key', OLD]] });
  await assert.rejects(async () => twice.authenticate(request), { code: 'shared_secret_invalid' });
});

test('S2-07 a caller with no key or with three is refused at once', () => {
  for (const count of [0, 3]) {
    const secrets = Array.from({ length: count }, () => hidden(OLD));
    assert.throws(() => sharedSecretAuthenticator({ callers: { a: { secrets } } }), TypeError);
  }
});

test('S2-07 a key leaves over https alone, and a short one not at all', async () => {
  const credentials = sharedSecret({ secret: hidden(OLD) });
  await assert.rejects(credentials.authorize(outgoingRequest({ url: 'http://service-b/' })), {
    code: 'invalid_request',
  });
  for (const text of ['', 'short', `${OLD} `, `${OLD}\n`]) {
    await assert.rejects(sharedSecret({ secret: hidden(text) }).authorize(outgoingRequest({})), {
      code: 'shared_secret_invalid',
    });
  }
});

test('S2-07 each caller is known by its own key, and by both of them during a rotation', async () => {
  for (const [secret, name] of [
    [OLD, 'service-a'],
    [NEXT, 'service-a'],
    [OTHER, 'service-c'],
  ] as const) {
    const sent = await authorized(sharedSecret({ secret: hidden(secret) }), {});
    assert.deepEqual(await authenticator.authenticate(receivedRequest(sent)), {
      proofs: ['shared_secret'],
      service: { name, spiffeId: undefined },
      user: undefined,
      scopes: name === 'service-a' ? ['read'] : [],
      roles: ['system'],
      claims: undefined,
    });
  }
});

test('S2-07 a secret that is replaced while the process runs counts at the next request, in a header of any name', async () => {
  let current = OLD;
  const changing = sharedSecretAuthenticator({
    callers: { a: { secrets: [{ reveal: () => current }] } },
    header: 'X-Service-Key',
  });
  const request = receivedRequest(
    await authorized(sharedSecret({ secret: hidden(NEXT), header: 'X-Service-Key' }), {}),
  );
  await assert.rejects(async () => changing.authenticate(request), { code: 'shared_secret_invalid' });
  current = NEXT;
  assert.equal((await changing.authenticate(request)).service?.name, 'a');
});
