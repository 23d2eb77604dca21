/** The closure backend gives the answers of generated code, and generates none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RANDOM_POLICY_RULES, randomInput, randomPolicy } from '../../../../../tests/support/random-policy.ts';
import { type CompileOptions, compile, EvaluationError, type Policy, toJson, type Value } from '../../index.ts';

const OPTIONS: CompileOptions = {
  data: { base: { n: 2, list: [1, 'a'] } },
  clock: () => 1_700_000_000_000_000_000n,
  random: () => 0.5,
};

/** A host on which code generation is forbidden. */
const NO_CODE = {
  compileFunction: (): never => {
    throw new Error('code was generated');
  },
};

function policy(text: string, options: CompileOptions): Policy | undefined {
  const result = compile([{ file: 'p.rego', text }], { ...OPTIONS, ...options });
  return result.ok ? result.policy : undefined;
}

function answer(compiled: Policy, rule: string, input: Value): string {
  try {
    const value = compiled.prepare(rule)(input);
    return value === undefined ? 'undefined' : toJson(value);
  } catch (error) {
    if (error instanceof EvaluationError) return error.message;
    throw error;
  }
}

describe('the closure backend', () => {
  it('refuses what generated code refuses: two values of one rule', () => {
    const text = 'package p\nx := 1 if input.a\nx := 2 if input.b';
    for (const backend of ['generated', 'closures'] as const) {
      assert.throws(
        () => policy(text, { backend })?.prepare('data.p.x')({ a: 1, b: 1 }),
        /p\.rego:3: eval_conflict_error/,
      );
    }
  });

  it('ends a runaway evaluation with an error', () => {
    const text = `package p\nd := numbers.range(1, 1000)\nx if { d[_] + d[_] + d[_] == 0 }`;
    const evaluate = policy(text, { backend: 'closures', limits: { steps: 50_000 } })?.prepare('data.p.x');
    assert.throws(
      () => evaluate?.(undefined),
      (error) => error instanceof EvaluationError && error.code === 'eval_cancel_error',
    );
  });

  it('generates no code, neither for rules nor for queries', () => {
    const compiled = policy('package p\nx := input.a + 1', { backend: 'closures', host: NO_CODE });
    assert.deepEqual(compiled?.prepare('data.p.x')({ a: 1 }), 2);
    const query = compiled?.query('y := data.p.x; some z in [y, 3]');
    assert.ok(query?.ok);
    assert.deepEqual(query.evaluate({ a: 1 }), [
      { y: 2, z: 2 },
      { y: 2, z: 3 },
    ]);
  });

  it('random policies and inputs have equal answers, equal errors included', () => {
    let compiledPolicies = 0;
    let defined = 0;
    const tape = fc.array(fc.nat(1000), { minLength: 150, maxLength: 400 });
    const property = fc.property(tape, fc.array(fc.nat(1000), { maxLength: 40 }), (numbers, inputNumbers) => {
      const text = randomPolicy(numbers);
      const generated = policy(text, { backend: 'generated' });
      const closures = policy(text, { backend: 'closures', host: NO_CODE });
      assert.equal(generated === undefined, closures === undefined);
      if (generated === undefined || closures === undefined) return;
      compiledPolicies += 1;
      const input = randomInput(inputNumbers);
      for (const rule of RANDOM_POLICY_RULES) {
        const wanted = answer(generated, rule, input);
        if (wanted !== 'undefined') defined += 1;
        assert.equal(answer(closures, rule, input), wanted, `${rule} for ${toJson(input)} in\n${text}`);
      }
    });
    fc.assert(property, { numRuns: 300 });
    assert.ok(compiledPolicies > 60, `only ${compiledPolicies} random policies compiled`);
    assert.ok(defined > 60, `only ${defined} answers were defined`);
  });
});
