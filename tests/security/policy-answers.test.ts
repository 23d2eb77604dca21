/** Corpus E and J, 132 and 225: what a policy sees twice, and what it must not answer, do or take its time for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { startIngress } from '../support/ingress.ts';

const PROXY = '  authz: { policy_query: data.order.result }';
const withPolicy = (rego: string, proxy: string = PROXY) =>
  startIngress({ proxy, files: { '/etc/authz/policies/order.rego': `package order\n\nimport rego.v1\n\n${rego}\n` } });

describe('a header that was sent twice', () => {
  const EXTRACT = `${PROXY}\n  headers: { extract: [X-Tenant] }`;
  const ECHO = 'result := {"allow": input.headers["X-Tenant"] == "acme", "audit": {"seen": input.headers["X-Tenant"]}}';
  const ROWS: readonly (readonly [title: string, headers: readonly string[], seen: unknown])[] = [
    ['the wrong one behind the right one', ['X-Tenant', 'acme', 'X-Tenant', 'evil'], ['acme', 'evil']],
    ['the right one behind the wrong one', ['X-Tenant', 'evil', 'X-Tenant', 'acme'], ['evil', 'acme']],
    ['the right one twice', ['X-Tenant', 'acme', 'x-tenant', 'acme'], ['acme', 'acme']],
    ['in three cases', ['X-Tenant', 'acme', 'x-tenant', 'b', 'X-TENANT', 'c'], ['acme', 'b', 'c']],
    ['an empty one behind it', ['X-Tenant', 'acme', 'X-Tenant', ''], ['acme', '']],
    ['a list in one', ['X-Tenant', 'acme, acme'], 'acme, acme'],
  ];
  for (const [title, headers, seen] of ROWS) {
    test(`C-132 ${title}: the policy sees all of it, and a comparison with one text fails`, async () => {
      await using ingress = await withPolicy(ECHO, EXTRACT);
      const record = await ingress.refused('policy_denied', () => ingress.send({ headers }));
      assert.deepEqual(record['policy_audit'], { seen });
    });
  }
});

describe('an answer that is none denies', () => {
  const ROWS: readonly (readonly [title: string, code: ProblemCode, rego: string])[] = [
    ['an undefined rule', 'policy_undefined', 'result if input.request.path == "/never"'],
    ['the environment of this process', 'policy_undefined', 'result if opa.runtime().env.PATH != ""'],
    ['a member that the input does not have', 'policy_undefined', 'result := input.token.nothing'],
    ['a division by zero', 'policy_undefined', 'result := 1 / (count(input.request.path) - count(input.request.path))'],
    ['a number that is none', 'policy_undefined', 'result := to_number("true")'],
    ...['"true"', '"allow"', '1', '0', 'null', '[]', '[true]', '{}', 'set()', '{true}', '{"allow": "true"}'].map(
      (value) => [`the answer ${value}`, 'policy_undefined', `result := ${value}`] as const,
    ),
    ...[
      '{"allow": 1}',
      '{"allow": null}',
      '{"allow": [true]}',
      '{"Allow": true}',
      '{"allowed": true}',
      '{"reasons": []}',
    ].map((value) => [`the answer ${value}`, 'policy_undefined', `result := ${value}`] as const),
    ['a set that contains true', 'policy_undefined', 'result contains true'],
    [
      'two values at once',
      'policy_error',
      'result := true if input.request.method == "GET"\n\nresult := false if input.request.path == "/"',
    ],
    ['two values of a function', 'policy_error', 'f(x) := true if x > 0\n\nf(x) := false if x > 1\n\nresult := f(2)'],
    ['two values of a member', 'policy_error', 'o[k] := v if { some v in [1, 2]; k := "a" }\n\nresult if o.a == 1'],
    [
      'a comprehension without end',
      'policy_timeout',
      'result if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b]) > 0',
    ],
    [
      'a set comprehension without end',
      'policy_timeout',
      'result if count({[a, b] | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000)}) > 0',
    ],
    [
      'a search without end',
      'policy_timeout',
      'result if { some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a * b == -1 }',
    ],
    [
      'every pair of many',
      'policy_timeout',
      'result if every a in numbers.range(1, 3000) { every b in numbers.range(1, 3000) { a + b > 0 } }',
    ],
  ];
  for (const [title, code, rego] of ROWS) {
    test(`C-225 ${title} is ${code}`, async () => {
      await using ingress = await withPolicy(rego);
      const began = performance.now();
      const record = await ingress.refused(code, () => ingress.send());
      assert.ok(performance.now() - began < 5_000);
      assert.ok(Array.isArray(record['reasons']) && record['reasons'].length > 0);
    });
  }

  const PATTERNS = ['(a+)+$', '(a|a)*$', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){20}', 'a*a*a*a*a*a*b'];
  for (const pattern of PATTERNS) {
    test(`C-225 the pattern ${pattern} costs no time, whatever it is matched with`, async () => {
      await using ingress = await withPolicy(`result if regex.match(\`${pattern}\`, input.request.path)`);
      const began = performance.now();
      const answer = await ingress.send({ target: `/${'a'.repeat(4_000)}!` });
      assert.ok([200, 403].includes(answer.status), answer.raw);
      assert.ok(performance.now() - began < 1_000, `${performance.now() - began} ms`);
    });
  }
});

describe('a policy that is refused before a request comes', () => {
  const ROWS: readonly (readonly [title: string, rego: string, message: RegExp])[] = [
    ['http.send', 'result if http.send({"method": "GET", "url": "http://evil/"}).status_code == 200', /http\.send/],
    [
      'http.send in a comprehension',
      'result if count([r | r := http.send({"method": "GET", "url": "http://evil/"})]) > 0',
      /http\.send/,
    ],
    [
      'http.send as a default that is never asked',
      'default result := false\n\nresult if { false; http.send({}) }',
      /http\.send/,
    ],
    ['net.lookup_ip_addr', 'result if count(net.lookup_ip_addr("evil")) > 0', /net\.lookup_ip_addr/],
    ['a function that nobody has', 'result if evil.call("x")', /evil\.call/],
    ['a rule that calls itself', 'result if result', /recursi/i],
    ['two rules that call each other', 'a if b\n\nb if a\n\nresult if a', /recursi/i],
    ['a function that calls itself', 'f(x) := f(x)\n\nresult := f(1)', /recursi/i],
    ['a rule that is not there', 'other := true', /data\.order\.result/],
    ['broken Rego', 'result if {', /rego_parse_error/],
    ['a variable that nothing binds', 'result if x == y', /rego_unsafe_var_error/],
    ['two defaults', 'default result := false\n\ndefault result := true', /default/],
  ];
  for (const [title, rego, message] of ROWS) {
    test(`C-225 ${title} stops the start`, async () => {
      await assert.rejects(withPolicy(rego), message);
    });
  }
});
