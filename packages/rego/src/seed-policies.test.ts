/** The four policies of the three-zones seed, as the real OPA answers them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { compile, type Policy, type Value } from './index.ts';

const FOLDER = new URL('../../../../shared/seeds/003/policies/', import.meta.url);
const absent = existsSync(FOLDER) || process.env['CI'] === 'true' ? false : '../shared is not here';

function load(...files: readonly string[]): ReturnType<typeof compile> {
  return compile(files.map((file) => ({ file, text: readFileSync(new URL(file, FOLDER), 'utf8') })));
}

function loaded(...files: readonly string[]): Policy {
  const result = load(...files);
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

const NOW = 1_700_000_000_000_000_000n;
const LATER = 1_700_000_600;

function request(method: string, token: Readonly<Record<string, Value>>): Value {
  return {
    mtls: { verified: true, subject: { CN: 'api-gateway-client' } },
    token: { sub: 'u', ...token },
    request: { method },
  };
}

describe('the seed policies', { skip: absent }, () => {
  it('SD-07 dataservice.rego is refused with the variable that OPA names', () => {
    const result = load('dataservice.rego', 'order.rego');
    assert.ok(!result.ok);
    assert.deepEqual(
      result.diagnostics.map(({ code, message, location }) => [code, message, location.file, location.row]),
      [['rego_unsafe_var_error', 'var required_permission is unsafe', 'dataservice.rego', 30]],
    );
  });

  const creator = { realm_access: { roles: ['orders:create'] } };
  const payer = { realm_access: { roles: ['payments:create'] } };
  const rows: readonly (readonly [query: string, title: string, input: Value, allow: boolean])[] = [
    ['data.order.allow', 'no certificate', { token: { sub: 'u', exp: LATER }, request: { method: 'GET' } }, false],
    ['data.order.allow', 'an expired token', request('GET', { exp: 1 }), false],
    ['data.order.allow', 'a missing exp', request('GET', {}), false],
    ['data.order.allow', 'exp null', request('GET', { exp: null }), false],
    ['data.order.allow', 'exp true', request('GET', { exp: true }), false],
    ['data.order.allow', 'a string exp, which orders after every number', request('GET', { exp: '1' }), true],
    ['data.order.allow', 'a valid GET', request('GET', { exp: LATER }), true],
    ['data.order.allow', 'POST without the role', request('POST', { exp: LATER }), false],
    ['data.order.allow', 'POST with the role', request('POST', { exp: LATER, ...creator }), true],
    [
      'data.order.allow',
      'roles as an object',
      request('POST', { exp: LATER, realm_access: { roles: { a: 'orders:create' } } }),
      true,
    ],
    ['data.payment.allow', 'payments:create, any method', request('DELETE', { exp: LATER, ...payer }), true],
    ['data.payment.allow', 'no role', request('GET', { exp: LATER }), false],
    ['data.gateway.allow', 'a missing exp: not undefined', { token: { sub: 'u' } }, true],
    ['data.gateway.allow', 'an array as exp', { token: { sub: 'u', exp: [] } }, true],
    ['data.gateway.allow', 'an expired token', { token: { sub: 'u', exp: 5 } }, false],
    ['data.gateway.allow', 'an empty sub', { token: { sub: '', exp: LATER } }, false],
    ['data.gateway.allow', 'no token', {}, false],
  ];
  for (const [query, title, input, allow] of rows) {
    it(`${query} is ${allow} for ${title}`, () => {
      const evaluate = loaded('gateway.rego', 'order.rego', 'payment.rego').prepare(query);
      assert.equal(evaluate(input, { now: NOW }), allow);
    });
  }

  it('a decision names the rule whose body held, or the default', () => {
    const decide = loaded('order.rego').prepareDecision('data.order.allow');
    const yes = decide(request('GET', { exp: LATER }), { now: NOW });
    const no = decide({}, { now: NOW });
    assert.deepEqual([yes.value, yes.rule?.file, yes.rule?.row], [true, 'order.rego', 8]);
    assert.deepEqual([no.value, no.rule?.row], [false, 5]);
  });
});
