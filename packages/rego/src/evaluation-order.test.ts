/** What is evaluated before what: seen in which of two failures counts, and in the order of solutions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompileOptions, compile, toJson } from './index.ts';

const BACKENDS: readonly NonNullable<CompileOptions['backend']>[] = ['generated', 'closures'];
/** `two` is a conflict, `none` is undefined. */
const PRELUDE = `package p
two := v if some v in [1, 2]
none if false
id(v) := v
names := ["a", "b"]
keys := {"k1": "z", "k2": "y"}
tree := {"y": {"k1": 1}, "z": {"k1": 4, "k2": 2}}
`;

const FIRST: readonly (readonly [text: string, first: 'two' | 'none'])[] = [
  ['x := id(none)[id(two)]', 'none'],
  ['x := id(two)[id(none)]', 'two'],
  ['x := input.missing[two]', 'two'],
  ['x := input.missing[names[two]]', 'two'],
  ['x if id(input.missing[two]) > 1', 'two'],
  ['x if not input.missing[two]', 'two'],
  ['x if none == id(two)', 'two'],
  ['x if input.missing == two', 'none'],
  ['x if two == input.missing', 'two'],
  ['x if none != two', 'none'],
  ['x if [none, two] == id(1)', 'none'],
  ['x := {two, id(none)}', 'none'],
  ['x := {two, none}', 'none'],
  ['x := {"b": none, "a": two}', 'two'],
  ['x := {none: 1, 2: two}', 'two'],
  ['x if { some v in [none, two] }', 'none'],
  ['x if { every v in input.missing[two] { v } }', 'two'],
  ['x if id(1) with input as input.missing[two]', 'two'],
];

const SOLUTIONS: readonly (readonly [text: string, answer: string])[] = [
  ['x := [[i, j] | ["u", "v"][i] == ["u", "u", "v"][j]]', '[[0,0],[0,1],[1,2]]'],
  ['x := [[i, j] | names[i] != names[j]]', '[[0,1],[1,0]]'],
  ['x := [[i, j] | names[i] = id(["b", "a", "b"])[j]]', '[[0,1],[1,0],[1,2]]'],
  ['x := [[i, k] | [keys[k], i] = [w, j]; names[j]; w]', '[[0,"k1"],[0,"k2"],[1,"k1"],[1,"k2"]]'],
  ['x := [[i, k] | tree[keys[k]]; names[i]]', '[[0,"k1"],[1,"k1"],[0,"k2"],[1,"k2"]]'],
  ['x := [[k, v] | v := tree[keys[k]][k]]', '[["k1",4]]'],
  ['x := [[k, i] | {names[i], keys[k]} != 1]', '[["k1",0],["k1",1],["k2",0],["k2",1]]'],
];

for (const backend of BACKENDS) {
  const evaluate = (text: string): string | undefined => {
    const result = compile([{ file: 'p.rego', text: PRELUDE + text }], { backend });
    assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics.map(({ message }) => message)));
    const value = result.policy.prepare('data.p.x')({});
    return value === undefined ? undefined : toJson(value);
  };
  describe(`the order of evaluation, ${backend}`, () => {
    for (const [text, first] of FIRST) {
      it(`${text}: ${first} is evaluated first`, () => {
        if (first === 'two') assert.throws(() => evaluate(text), { code: 'eval_conflict_error' });
        else assert.equal(evaluate(text), undefined);
      });
    }
    for (const [text, answer] of SOLUTIONS) {
      it(`${text}: the solutions of what is evaluated last change fastest`, () => {
        assert.equal(evaluate(text), answer);
      });
    }
  });
}
