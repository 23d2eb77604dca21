import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RANDOM_POLICY_RULES, randomInput, randomPolicy } from '../../../../tests/support/random-policy.ts';
import {
  compile,
  type DocumentTrace,
  type Edit,
  EvaluationError,
  type Explanation,
  formatExplanation,
  type LiteralTrace,
  type Policy,
  toJson,
  type Value,
} from '../index.ts';

const NOW = 1_700_000_000_000_000_000n;

function policy(text: string): Policy {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], {
    data: { base: { n: 2, list: [1, 'a'] } },
    clock: () => NOW,
    random: () => 0.5,
  });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

/** Every literal that failed, as `row: text`. */
function failures(documents: readonly DocumentTrace[]): readonly string[] {
  const inLiterals = (literals: readonly LiteralTrace[]): string[] =>
    literals.flatMap(({ held, isHead, location, inner, documents: asked }) => [
      ...(held || isHead ? [] : [`${location.row}: ${location.text}`]),
      ...inLiterals(inner),
      ...failures(asked),
    ]);
  return documents.flatMap(({ rules }) => rules.flatMap(({ literals }) => inLiterals(literals)));
}

function editTexts(explanation: Explanation): readonly string[] {
  const edits: readonly Edit[] = explanation.change?.edits ?? [];
  return edits.map((edit) => {
    const place = ['input', ...edit.path].join('.');
    return edit.kind === 'remove' ? `remove ${place}` : `${edit.kind} ${place} ${toJson(edit.value)}`;
  });
}

describe('an explanation', () => {
  it('names the literal that failed, where it stands and what it saw', () => {
    const explanation = policy('allow if {\n\tinput.method == "GET"\n\tinput.level > 3\n}').explain('data.p.allow', {
      method: 'GET',
      level: 2,
    });
    const [rule] = explanation.documents[0]?.rules ?? [];
    const [first, second] = rule?.literals ?? [];
    assert.deepEqual([first?.held, second?.held], [true, false]);
    assert.deepEqual([second?.location.file, second?.location.row, second?.location.col], ['p.rego', 4, 2]);
    assert.deepEqual(second?.samples, [[{ name: 'input.level', value: 2 }]]);
    assert.equal(explanation.value, undefined);
  });

  it('says where a path ends that is not there', () => {
    const explanation = policy('allow if input.a.b.c == 1').explain('data.p.allow', { a: {} });
    const [literal] = explanation.documents[0]?.rules[0]?.literals ?? [];
    assert.deepEqual(literal?.samples, [[{ name: 'input.a.b', value: undefined }]]);
  });

  it('shows each element that a scan tried', () => {
    const text = 'allow if {\n\tsome role in input.roles\n\trole == "admin"\n}';
    const explanation = policy(text).explain('data.p.allow', { roles: ['a', 'b'] });
    const literal = explanation.documents[0]?.rules[0]?.literals.find(({ held }) => !held);
    assert.deepEqual(literal?.samples, [[{ name: 'role', value: 'a' }], [{ name: 'role', value: 'b' }]]);
    assert.equal(literal?.failures, 2);
  });

  it('follows the rules that a literal asks for, functions with their arguments', () => {
    const text = 'allow if {\n\tok\n}\nok if {\n\tbelow("/a")\n}\nbelow(prefix) if startswith(input.path, prefix)';
    const explanation = policy(text).explain('data.p.allow', { path: '/b' });
    assert.deepEqual(failures(explanation.documents), ['3: ok', '6: below("/a")', '8: startswith(input.path, prefix)']);
    const asked = explanation.documents[0]?.rules[0]?.literals[0]?.documents[0]?.rules[0]?.literals[0]?.documents[0];
    assert.deepEqual([asked?.name, asked?.args], ['data.p.below', ['/a']]);
  });

  it('a negation fails because of what holds inside', () => {
    const explanation = policy('allow if not denied\ndenied if input.bad').explain('data.p.allow', { bad: 1 });
    const [literal] = explanation.documents[0]?.rules[0]?.literals ?? [];
    assert.deepEqual([literal?.held, literal?.negated, literal?.documents[0]?.value], [false, true, true]);
  });

  it('of an evaluation that fails tells the error and what came before it', () => {
    const explanation = policy('allow if x == 1\nx := 1 if input.a\nx := 2 if input.a').explain('data.p.allow', {
      a: 1,
    });
    assert.equal(explanation.error?.code, 'eval_conflict_error');
    assert.equal(explanation.change, undefined);
    assert.ok(explanation.documents.length > 0);
  });

  it('a query that cannot be prepared is refused', () => {
    assert.throws(() => policy('x := 1').explain('data.p.x +', {}), TypeError);
  });

  it('says that there is no input at all', () => {
    const [rule] = policy('allow if input.a').explain('data.p.allow', undefined).documents[0]?.rules ?? [];
    assert.deepEqual(rule?.literals[0]?.samples, [[{ name: 'input', value: undefined }]]);
  });

  it('of hostile inputs ends, with an error where the evaluation has one', () => {
    let deep: Value = 1;
    for (let i = 0; i < 100_000; i += 1) deep = [deep];
    const equal = policy('allow if input.a == input.b').explain('data.p.allow', { a: deep, b: [deep] });
    assert.equal(equal.error?.code, 'eval_cancel_error');
    const long = Array.from({ length: 20_000 }, (_, i) => `r${i}`);
    const text = 'allow if {\n\tsome role in input.roles\n\trole == "admin"\n}';
    const { change, documents } = policy(text).explain('data.p.allow', { roles: long });
    assert.ok(change !== undefined);
    const [literal] = documents[0]?.rules[0]?.literals.filter(({ held }) => !held) ?? [];
    assert.deepEqual([literal?.failures, literal?.samples.length], [20_000, 3]);
  });

  it('reads own properties only, and changes them only', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const compiled = policy(`allow if input["${key}"].x == 1`);
      const { value, change } = compiled.explain('data.p.allow', {});
      assert.equal(value, undefined);
      assert.equal(compiled.prepare('data.p.allow')(change?.input), true);
      assert.equal(({} as Record<string, unknown>)['x'], undefined);
    }
  });

  it('stays small and ends when very much happens', () => {
    const text = 'f(x) if x > 5\nallow if {\n\tsome x in numbers.range(1, 10000)\n\tf(x - 100000)\n}';
    const explanation = policy(text).explain('data.p.allow', {});
    assert.equal(explanation.truncated, true);
    assert.equal(explanation.error, undefined);
  });
});

describe('the smallest change that flips a decision', () => {
  const rows: readonly (readonly [title: string, text: string, input: Value, edits: readonly string[]])[] = [
    ['sets what is compared', 'allow if input.a == "x"', { a: 'y' }, ['set input.a "x"']],
    ['sets what is missing', 'allow if input.a.b == "x"', {}, ['set input.a {"b":"x"}']],
    ['goes just above a bound', 'allow if input.n > 3.5', { n: 1 }, ['set input.n 4']],
    ['goes to a bound', 'allow if input.n >= 3', { n: 1 }, ['set input.n 3']],
    [
      'makes a token current',
      'allow if input.exp > time.now_ns() / 1000000000',
      { exp: 1 },
      ['set input.exp 1700000001'],
    ],
    ['adds what a collection lacks', 'allow if "w" in input.roles', { roles: ['r'] }, ['add input.roles "w"']],
    ['picks from what is allowed', 'allow if input.m in {"GET", "PUT"}', { m: 'X' }, ['set input.m "GET"']],
    ['finds a key', 'allow if limits[input.k]\nlimits := {"a": 1}', { k: 'z' }, ['set input.k "a"']],
    ['takes back what a negation forbids', 'allow if not input.bad', { bad: true }, ['set input.bad false']],
    [
      'reaches through rules and functions',
      'allow if f(path) == 1\npath := input.p\nf("/a") := 1',
      { p: '/b' },
      ['set input.p "/a"'],
    ],
    [
      'changes all that is wrong',
      'allow if { input.a == 1; input.b == 2 }',
      { a: 0, b: 0 },
      ['set input.a 1', 'set input.b 2'],
    ],
    ['leaves what is right', 'allow if { input.a == 1; input.b == 2 }', { a: 1, b: 0 }, ['set input.b 2']],
    [
      'takes the nearer rule',
      'allow if { input.a == 1; input.b == 2 }\nallow if input.c == 3',
      { a: 0 },
      ['set input.c 3'],
    ],
    ['turns an allow into a denial', 'default allow := false\nallow if input.a == 1', { a: 1 }, ['set input.a 2']],
    [
      'breaks every rule that allows',
      'allow if input.a\nallow if input.b',
      { a: true, b: true },
      ['set input.a false', 'set input.b false'],
    ],
  ];
  for (const [title, text, input, edits] of rows) {
    it(title, () => {
      const compiled = policy(text);
      const explanation = compiled.explain('data.p.allow', input, { now: NOW });
      assert.deepEqual(editTexts(explanation), edits);
      const before = compiled.prepare('data.p.allow')(input) === true;
      const after = compiled.prepare('data.p.allow')(explanation.change?.input, { now: NOW }) === true;
      assert.notEqual(after, before);
    });
  }

  it('is not made up where no change of the input helps', () => {
    for (const text of ['allow if 1 == 2', 'allow if data.base.n == 3', 'allow := "text"']) {
      assert.equal(policy(text).explain('data.p.allow', {}).change, undefined, text);
    }
  });

  it('reads an object with allow as a decision', () => {
    const text = 'result := {"allow": allow, "reasons": []}\ndefault allow := false\nallow if input.a == 1';
    assert.deepEqual(editTexts(policy(text).explain('data.p.result', {})), ['set input.a 1']);
  });

  it('makes a whole request out of nothing for the policies that ship', () => {
    for (const name of ['gateway', 'order', 'payment', 'dataservice']) {
      const file = new URL(`../../../../examples/three-zones/policies/${name}.rego`, import.meta.url);
      const compiled = compile([{ file: name, text: readFileSync(file, 'utf8') }]);
      assert.ok(compiled.ok);
      const { change } = compiled.policy.explain(`data.${name}.allow`, {}, { now: NOW });
      assert.ok(change !== undefined, name);
      assert.equal(compiled.policy.prepare(`data.${name}.allow`)(change.input, { now: NOW }), true);
    }
  });
});

describe('explanations of random policies', () => {
  it('have the answer of an evaluation, and changes that flip it', () => {
    let changes = 0;
    const tape = fc.array(fc.nat(1000), { minLength: 150, maxLength: 400 });
    const property = fc.property(tape, fc.array(fc.nat(1000), { maxLength: 40 }), (numbers, inputNumbers) => {
      const result = compile([{ file: 'p.rego', text: randomPolicy(numbers) }], {
        data: { base: { n: 2 } },
        clock: () => NOW,
      });
      if (!result.ok) return;
      const input = randomInput(inputNumbers);
      for (const rule of RANDOM_POLICY_RULES) {
        const { value, error, change } = result.policy.explain(rule, input, { limits: { evaluations: 30 } });
        assert.equal(error?.message ?? shown(value), answer(result.policy, rule, input));
        if (change === undefined) continue;
        changes += 1;
        assert.equal(shown(change.value), answer(result.policy, rule, change.input));
        assert.notEqual(shown(change.value), shown(value));
      }
    });
    fc.assert(property, { numRuns: 60 });
    assert.ok(changes > 5, `only ${changes} changes were found`);
  });
});

function shown(value: Value | undefined): string {
  return value === undefined ? 'undefined' : toJson(value);
}

function answer(compiled: Policy, rule: string, input: Value): string {
  try {
    return shown(compiled.prepare(rule)(input));
  } catch (error) {
    if (error instanceof EvaluationError) return error.message;
    throw error;
  }
}

describe('an explanation in words', () => {
  it('reads from the answer to the change', () => {
    const text = 'default allow := false\nallow if {\n\tinput.a == 1\n\tok\n}\nok if "w" in input.roles';
    const words = formatExplanation(policy(text).explain('data.p.allow', { a: 1, roles: ['r'] }));
    assert.deepEqual(words.split('\n'), [
      'data.p.allow is false',
      '',
      '  p.rego:3:1 this rule does not hold',
      '    p.rego:4:2 holds: input.a == 1',
      '    p.rego:5:2 fails: ok',
      '        data.p.ok is undefined',
      '          p.rego:7:1 this rule does not hold',
      '            p.rego:7:7 fails: "w" in input.roles',
      '                input.roles is ["r"]',
      '  p.rego:2:1 the default applies',
      '',
      'It would be true after this change of the input:',
      '  add "w" to input.roles',
      '',
    ]);
  });

  it('of an else tells what had to fail before it, and nothing of other rules', () => {
    const text =
      'size := "big" if {\n\tinput.n > 9\n} else := "small" if {\n\tinput.n > 0\n}\nsize := "none" if not input.n';
    const words = formatExplanation(policy(text).explain('data.p.size', { n: 3 }));
    assert.deepEqual(words.split('\n').slice(2, -1), [
      '  p.rego:2:1 this rule does not hold',
      '    p.rego:3:2 fails: input.n > 9',
      '        input.n is 3',
      '  p.rego:4:3 else, this rule holds',
      '    p.rego:5:2 holds: input.n > 0',
      '        input.n is 3',
    ]);
  });
});
