import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RANDOM_POLICY_RULES, randomInput, randomPolicy } from '../../../../tests/support/random-policy.ts';
import {
  type CompileResult,
  compile,
  type Dependencies,
  type DocumentPath,
  type Policy,
  toJson,
  type Value,
} from '../index.ts';

function compiledTexts(...texts: readonly string[]): CompileResult {
  return compile(
    texts.map((text, i) => ({ file: `p${i}.rego`, text })),
    { data: { base: { n: 2, list: [1, 'a'] } } },
  );
}

function policy(...texts: readonly string[]): Policy {
  const result = compiledTexts(...texts);
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

const dotted = (paths: readonly DocumentPath[]): readonly string[] => paths.map((path) => path.join('.'));

describe('what an answer can depend on', () => {
  const rows: readonly (readonly [title: string, rule: string, input: readonly string[]])[] = [
    ['nothing', 'x := 1', []],
    ['the last step of a path', 'x if input.a.b.c == 1', ['a.b.c']],
    ['a value that need only be there', 'x if { y := input.a.b; z := input.c }', ['a.b', 'c']],
    ['a path that is also taken whole', 'x if { input.a.b == 1; count(input.a) > 0 }', ['a']],
    ['all below a step that is not known', 'x if input.a[input.k].b', ['a', 'k']],
    ['all that a scan visits', 'x if some r in input.roles', ['roles']],
    ['the whole input', 'x := count(input)', ['']],
    ['a place asked of the root', 'x := object.get(input, ["a", "b"], "")', ['a.b']],
    ['an object whose being there decides', 'x := object.get(input.a, "b", "")', ['a']],
    ['what another rule reads', 'x if y\ny if input.q', ['q']],
    ['what a function reads of its argument', 'x := f(input)\nf(o) := o.a.b', ['a.b']],
    ['what a function is told to read', 'x := f(["a", "b"])\nf(path) := object.get(input, path, "")', ['a.b']],
    ['a value that a function ignores', 'x := f(input.a)\nf(_) := 1', ['a']],
    [
      'what stands in negations and comprehensions',
      'x := [1 | not input.a; every y in input.b { y == input.c }]',
      ['a', 'b', 'c'],
    ],
    ['what replaces input', 'x if y with input as {"q": input.z}\ny if input.q', ['q', 'z']],
    ['what a replacement reads', 'x if y with data.p.f as g\ny if f(1)\nf(n) := n\ng(n) := input.g', ['g']],
    [
      'every rule of a package that is read whole',
      'x := data.p.inner\ninner.a := input.a\ninner.b := input.b',
      ['a', 'b'],
    ],
    [
      'every rule that a step may find',
      'x := data.p.inner[input.k]\ninner.a := input.a\ninner.b := input.b',
      ['a', 'b', 'k'],
    ],
  ];
  for (const [title, rule, input] of rows) {
    it(`is ${title}`, () => {
      const found = policy(`package p\n${rule}`).dependencies('data.p.x');
      assert.deepEqual(dotted(found.input), input);
      assert.deepEqual(found.nondeterministic, []);
    });
  }

  it('names base documents and builtins that are not deterministic', () => {
    const text = 'package p\nx if { data.base.n == 1; data.roles[input.r]; time.now_ns() > 1; rand.intn("a", 3) > 1 }';
    const found = policy(text).dependencies('data.p.x');
    assert.deepEqual(dotted(found.data), ['base.n', 'roles']);
    assert.deepEqual(found.nondeterministic, ['rand.intn', 'time.now_ns']);
  });

  it('refuses a query that cannot be prepared', () => {
    assert.throws(() => policy('package p').dependencies('x ='), TypeError);
    assert.throws(() => policy('package p').dependencies('nope(1)'), TypeError);
  });

  it('a function called with a thousand constants stays affordable', () => {
    const calls = Array.from({ length: 1000 }, (_, i) => `f("k${i}")`).join('; ');
    const found = policy(`package p\nf(k) := input[k]\nx if { ${calls} }`).dependencies('data.p.x');
    assert.deepEqual(dotted(found.input), ['']);
  });

  it('the policies that ship read only what their contract names', () => {
    const folder = new URL('../../../../examples/three-zones/policies/', import.meta.url);
    const files = readdirSync(folder).filter((name) => !name.endsWith('_test.rego'));
    const shipped = policy(...files.map((name) => readFileSync(new URL(name, folder), 'utf8')));
    const wanted: Readonly<Record<string, readonly string[]>> = {
      'data.gateway.allow': ['token.exp', 'token.sub'],
      'data.order.allow': [
        'mtls.subject.CN',
        'mtls.verified',
        'request.method',
        'request.path',
        'token.exp',
        'token.realm_access.roles',
        'token.sub',
      ],
      'data.dataservice.result': [
        'headers.X-Correlation-ID',
        'headers.X-User-Context',
        'mtls.subject.CN',
        'mtls.verified',
        'request.method',
        'request.path',
        'token.azp',
        'token.exp',
      ],
    };
    for (const [query, paths] of Object.entries(wanted)) {
      const found = shipped.dependencies(query);
      assert.deepEqual(dotted(found.input), paths, query);
      assert.deepEqual(found.nondeterministic, ['time.now_ns']);
    }
  });

  it('inputs that agree at these paths have equal answers', () => {
    const tape = fc.array(fc.nat(1000), { minLength: 150, maxLength: 400 });
    const small = fc.array(fc.nat(1000), { maxLength: 40 });
    let differing = 0;
    const property = fc.property(tape, small, small, (numbers, first, second) => {
      const result = compiledTexts(randomPolicy(numbers));
      // Some generated policies compare what cannot be equal.
      if (!result.ok) return;
      const compiled = result.policy;
      const [one, other] = [randomInput(first), randomInput(second)];
      for (const rule of RANDOM_POLICY_RULES) {
        const dependencies = compiled.dependencies(rule);
        const mixed = mixedInput(one, other, dependencies);
        if (toJson(mixed) !== toJson(one)) differing += 1;
        const [wanted, got] = [one, mixed].map((input) => answer(compiled, rule, input));
        assert.equal(got, wanted, `${rule}: ${toJson(one)} and ${toJson(mixed)}`);
      }
    });
    fc.assert(property, { numRuns: 150 });
    assert.ok(differing > 50, `only ${differing} inputs differed`);
  });
});

/** The second input, with what is read taken from the first. */
function mixedInput(one: Value, other: Value, { input }: Dependencies): Value {
  let mixed = other;
  for (const path of input) mixed = copyAt(one, mixed, path);
  return mixed;
}

function copyAt(from: Value | undefined, to: Value | undefined, [key, ...rest]: DocumentPath): Value {
  if (key === undefined || !isPlain(from)) return from as Value;
  const target = isPlain(to) ? { ...to } : {};
  const inner = from[String(key)];
  if (inner === undefined) delete target[String(key)];
  else target[String(key)] = copyAt(inner, target[String(key)], rest);
  return target;
}

function isPlain(value: Value | undefined): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function answer(compiled: Policy, rule: string, input: Value): string {
  try {
    const value = compiled.prepare(rule)(input);
    return value === undefined ? 'undefined' : toJson(value);
  } catch (error) {
    return String(error);
  }
}
