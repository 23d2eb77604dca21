import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { compile, type Value } from '@sidegate/rego';
import { withoutOpa } from './opa-binary.ts';
import { OpaServer } from './opa-server.ts';
import { answerOf, show } from './outcome.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SEED = resolve(ROOT, '../shared/seeds/003/policies');
/** The smallest repair of the one policy that does not compile: what the message names gets a value. */
const UNSAFE = '    reason := sprintf(';
const REPAIRED = `    required_permission := get_required_permission\n${UNSAFE}`;
const skip = existsSync(SEED) || process.env['CI'] === 'true' ? withoutOpa() : 'the seed is not here';

const FUTURE = 4_102_444_800;
const mtls = (name: Value): Value => ({ verified: true, subject: { CN: name } });
const ODD: readonly Value[] = [null, true, false, 0, -1, 1e300, '', '0', 'later', [], [FUTURE], {}, { exp: 0 }];

type Fields = Readonly<Record<string, Value>>;
const without = (fields: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name));

/** A good input, and inputs with each odd value in each of its places, or without the place. */
function variants(good: Fields, path: readonly string[]): Fields[] {
  const [name = '', ...rest] = path;
  if (rest.length === 0) return [without(good, name), ...ODD.map((odd) => ({ ...good, [name]: odd }))];
  return [...variants(good[name] as Fields, rest).map((inner) => ({ ...good, [name]: inner })), without(good, name)];
}

const USER: Fields = {
  sub: 'amal',
  exp: FUTURE,
  azp: 'order-service',
  realm_access: { roles: ['orders:create', 'payments:create', 'payments:read'] },
};
const HEADERS: Fields = { 'X-User-Context': 'amal', 'X-Correlation-ID': 'c-1' };
const PLACES = [
  'token',
  'token.exp',
  'token.sub',
  'token.azp',
  'token.realm_access',
  'token.realm_access.roles',
  'mtls',
  'mtls.verified',
  'mtls.subject',
  'mtls.subject.CN',
  'request',
  'request.method',
  'request.path',
  'headers',
  'headers.X-User-Context',
  'headers.X-Correlation-ID',
] as const;
const good = (client: string, method: string, path: string): Fields => ({
  token: USER,
  mtls: mtls(client),
  request: { method, path },
  headers: HEADERS,
});

const TABLES = [
  { policy: 'gateway', decisions: ['allow', 'is_token_expired'], good: good('user', 'GET', '/orders') },
  {
    policy: 'order',
    decisions: ['allow', 'valid_user_token', 'has_permission'],
    good: good('api-gateway-client', 'POST', '/orders'),
  },
  {
    policy: 'payment',
    decisions: ['allow', 'has_payment_permission'],
    good: good('api-gateway-client', 'GET', '/payments'),
  },
  {
    policy: 'dataservice',
    decisions: ['allow', 'result', 'reasons'],
    good: good('order-service-client', 'POST', '/orders'),
  },
] as const;

/** What the real OPA says, as `shared/rego/README.md` has it: a change of OPA shows here first. */
const STATEMENTS: readonly (readonly [title: string, decision: string, input: Fields, answer: string])[] = [
  ['gateway: a missing exp is no expired one', 'gateway/allow', { token: { sub: 'a' } }, 'true'],
  ['gateway: a string for exp is later than any number', 'gateway/allow', { token: { sub: 'a', exp: '0' } }, 'true'],
  ['gateway: so is an array', 'gateway/allow', { token: { sub: 'a', exp: [] } }, 'true'],
  ['gateway: so is an object', 'gateway/allow', { token: { sub: 'a', exp: {} } }, 'true'],
  ['gateway: null is earlier', 'gateway/allow', { token: { sub: 'a', exp: null } }, 'false'],
  [
    'order: a missing exp denies',
    'order/allow',
    { ...good('api-gateway-client', 'GET', '/'), token: { sub: 'a' } },
    'false',
  ],
  [
    'order: exp null denies',
    'order/allow',
    { ...good('api-gateway-client', 'GET', '/'), token: { sub: 'a', exp: null } },
    'false',
  ],
  [
    'order: exp true denies',
    'order/allow',
    { ...good('api-gateway-client', 'GET', '/'), token: { sub: 'a', exp: true } },
    'false',
  ],
  [
    'order: a string exp is valid for ever',
    'order/allow',
    { ...good('api-gateway-client', 'GET', '/'), token: { sub: 'a', exp: '0' } },
    'true',
  ],
  [
    'order: GET needs no role',
    'order/allow',
    { ...good('api-gateway-client', 'GET', '/'), token: { sub: 'a', exp: FUTURE } },
    'true',
  ],
  [
    'order: an object of roles with that value passes',
    'order/allow',
    {
      ...good('api-gateway-client', 'POST', '/'),
      token: { ...USER, realm_access: { roles: { any: 'orders:create' } } },
    },
    'true',
  ],
  ['payment: payments:create allows any method', 'payment/allow', good('api-gateway-client', 'DELETE', '/'), 'true'],
  [
    'dataservice: no result without headers',
    'dataservice/result',
    without(good('order-service-client', 'GET', '/orders'), 'headers'),
    'undefined',
  ],
  [
    'dataservice: no result without a method',
    'dataservice/result',
    { ...good('order-service-client', 'GET', '/orders'), request: { path: '/orders' } },
    'undefined',
  ],
  [
    'dataservice: the certificate is not tied to azp',
    'dataservice/allow',
    good('payment-service-client', 'POST', '/orders'),
    'true',
  ],
];

describe("the seed's policies under the real OPA and under ours", { skip }, () => {
  const textOf = (policy: string): string => {
    const text = readFileSync(join(SEED, `${policy}.rego`), 'utf8');
    return text.replace(UNSAFE, REPAIRED);
  };

  for (const { policy, decisions, good: input } of TABLES) {
    test(`${policy}: odd and missing values decide alike`, async () => {
      const text = textOf(policy);
      await using opa = await OpaServer.start({});
      assert.equal(await opa.load([{ file: 'policy.rego', text }]), undefined);
      const ours = compile([{ file: `${policy}.rego`, text }]);
      assert.ok(ours.ok);
      const inputs = [input, {}, ...PLACES.flatMap((place) => variants(input, place.split('.')))];
      for (const decision of decisions) {
        const evaluate = ours.policy.prepare(`data.${policy}.${decision}`);
        for (const each of inputs) {
          const answer = show(answerOf(() => evaluate(each)));
          assert.equal(
            answer,
            show(await opa.decide(`${policy}/${decision}`, each)),
            `${decision} of ${JSON.stringify(each)}`,
          );
        }
      }
      process.stdout.write(`${policy}: ${inputs.length * decisions.length} answers compared\n`);
    });
  }

  for (const [title, decision, input, answer] of STATEMENTS) {
    test(title, async () => {
      const policy = decision.split('/')[0] ?? '';
      const text = textOf(policy);
      await using opa = await OpaServer.start({});
      assert.equal(await opa.load([{ file: 'policy.rego', text }]), undefined);
      assert.equal(show(await opa.decide(decision, input)), answer);
      const ours = compile([{ file: `${policy}.rego`, text }]);
      assert.ok(ours.ok);
      assert.equal(show(answerOf(() => ours.policy.prepare(`data.${decision.replace('/', '.')}`)(input))), answer);
    });
  }

  test("the seed's own dataservice is refused for the same variable at the same place", async () => {
    const text = readFileSync(join(SEED, 'dataservice.rego'), 'utf8');
    await using opa = await OpaServer.start({});
    const theirs = await opa.load([{ file: 'policy.rego', text }]);
    const ours = compile([{ file: 'dataservice.rego', text }]);
    assert.ok(!ours.ok);
    const texts = ours.diagnostics.map(
      ({ code, message, location: { row, col } }) => `${row}:${col} ${code}: ${message}`,
    );
    assert.deepEqual(texts, theirs?.texts);
    assert.ok(texts.some((one) => one.includes('var required_permission is unsafe')));
  });
});
