/** Small policies and inputs out of a tape of numbers: every construct of the language, always safe and never recursive. */
import type { Value } from '@sidegate/rego';

const RULES = 6;
const SCALARS = ['1', '2', '-1.5', '"a"', '"b"', 'true', 'false', 'null'] as const;
const INPUTS = [
  'input',
  'input.a',
  'input.b',
  'input.b.c',
  'input.list',
  'input.list[0]',
  'data.base.n',
  'data.base',
] as const;
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=', '='] as const;

/** Reads decisions from a tape; past its end every decision is the first and simplest. */
class Tape {
  private readonly numbers: readonly number[];
  private next = 0;
  private names = 0;

  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
  }

  pick(count: number): number {
    const number = this.numbers[this.next] ?? 0;
    this.next += 1;
    return number % count;
  }

  of(choices: readonly string[]): string {
    return choices[this.pick(choices.length)] ?? '';
  }

  name(): string {
    this.names += 1;
    return `v${this.names}`;
  }
}

/** A policy `package p` with the rules r0 to r5, of which each uses only those before it. */
export function randomPolicy(numbers: readonly number[]): string {
  const tape = new Tape(numbers);
  const rules = Array.from({ length: RULES }, (_, rule) => ruleText(tape, rule));
  // The type checker cannot see through o: what it gets may be anything.
  return [
    'package p',
    'o(x) := object.get({"x": x}, "x", null)',
    'f(x) := y if { y := [x] } else := x',
    'g(1) := "one"',
    'g(x) := x if x != 1',
    ...rules,
  ].join('\n');
}

export const RANDOM_POLICY_RULES: readonly string[] = Array.from({ length: RULES }, (_, rule) => `data.p.r${rule}`);

export function randomInput(numbers: readonly number[]): Value {
  const tape = new Tape(numbers);
  const value = (depth: number): Value => {
    const kind = tape.pick(depth === 0 ? 6 : 8);
    if (kind === 6) return Array.from({ length: tape.pick(4) }, () => value(depth - 1));
    if (kind === 7) return { a: value(depth - 1), b: value(depth - 1) };
    return [1, 2, 'a', true, false, null][kind] ?? null;
  };
  const fields: [string, Value][] = ['a', 'b', 'list'].flatMap((key) =>
    tape.pick(4) === 0 ? [] : [[key, key === 'list' ? [value(1), value(1)] : value(2)] satisfies [string, Value]],
  );
  return Object.fromEntries(fields);
}

function ruleText(tape: Tape, rule: number): string {
  const name = `r${rule}`;
  const one = (): string => `${name} := ${term(tape, rule, [], 2)} if ${body(tape, rule, [])}`;
  switch (tape.pick(7)) {
    case 0:
      return `default ${name} := ${tape.of(SCALARS)}\n${one()}`;
    case 1:
      return `${name} if ${body(tape, rule, [])}\n${name} if ${body(tape, rule, [])}`;
    case 2:
      return `${one()} else := ${term(tape, rule, [], 1)} if ${body(tape, rule, [])} else := ${tape.of(SCALARS)}`;
    case 3:
      return binding(tape, rule, (bound) => `${name} contains ${term(tape, rule, bound, 1)} if `);
    case 4:
      return binding(tape, rule, (bound) => `${name}[${bound.at(-1) ?? '1'}] := ${term(tape, rule, bound, 1)} if `);
    case 5:
      return `${name} := ${term(tape, rule, [], 3)}`;
    default:
      return Array.from(
        { length: 5 },
        (_, i) => `${name} := ${i % 2} if { input.a == "${i}"; ${literal(tape, rule, [], 1)} }`,
      )
        .concat(one())
        .join('\n');
  }
}

/** A rule whose body binds two variables that its head may use. */
function binding(tape: Tape, rule: number, head: (bound: readonly string[]) => string): string {
  const [key, value] = [tape.name(), tape.name()];
  const source = `o(${term(tape, rule, [], 1)})`;
  return `${head([key, value])}{ some ${key}, ${value} in ${source}; ${literal(tape, rule, [key, value], 1)}; ${key} != 9; ${value} != 9 }`;
}

function body(tape: Tape, rule: number, bound: readonly string[]): string {
  const variable = tape.name();
  const inner = [...bound, variable];
  const literals = Array.from({ length: 1 + tape.pick(3) }, () => literal(tape, rule, inner, 2));
  return `{ ${variable} := ${term(tape, rule, bound, 2)}; ${literals.join('; ')}; ${variable} != 9 }`;
}

function literal(tape: Tape, rule: number, bound: readonly string[], depth: number): string {
  const left = `o(${term(tape, rule, bound, depth)})`;
  const right = term(tape, rule, bound, depth - 1);
  const variable = tape.name();
  switch (tape.pick(depth <= 0 ? 2 : 9)) {
    case 0:
      return `${left} ${tape.of(COMPARISONS)} ${right}`;
    case 1:
      return left;
    case 2:
      return `not ${left} == ${right}`;
    case 3:
      return `some ${variable} in ${left}; ${literal(tape, rule, [...bound, variable], depth - 1)}; ${variable} != 9`;
    case 4:
      return `every ${variable} in ${left} { ${literal(tape, rule, [...bound, variable], depth - 1)}; ${variable} != 9 }`;
    case 5:
      return `${left} == ${right} with input.a as ${term(tape, rule, bound, 0)}`;
    case 6:
      return `g(${left}) == ${right} with data.p.g as ${tape.of(['data.p.f', '7'])} with data.base.n as ${right}`;
    case 7:
      return `[${variable}, ${tape.of(SCALARS)}] = ${left}; ${variable} != 9`;
    default:
      return `${left} in o(${right})`;
  }
}

function term(tape: Tape, rule: number, bound: readonly string[], depth: number): string {
  const variable = tape.name();
  const inner = (): string => term(tape, rule, bound, depth - 1);
  switch (tape.pick(depth <= 0 ? 4 : 12)) {
    case 0:
      return tape.of(SCALARS);
    case 1:
      return tape.of(INPUTS);
    case 2:
      return bound.length === 0 ? tape.of(INPUTS) : tape.of(bound);
    case 3:
      return rule === 0 ? 'input.b' : `o(r${tape.pick(rule)})`;
    case 4:
      return `[${inner()}, ${inner()}]`;
    case 5:
      return `{${inner()}, ${inner()}}`;
    case 6:
      return `{"a": ${inner()}, "b": ${inner()}}`;
    case 7:
      return `[${variable} | some ${variable} in o(${inner()})]`;
    case 8:
      return `{${variable} | ${variable} := ${inner()}}`;
    case 9:
      return `{${variable}: [${variable}] | some ${variable} in o(${inner()})}`;
    case 10:
      return `${tape.of(['f', 'g', 'count', 'is_string', 'json.marshal'])}(o(${inner()}))`;
    default:
      return `input[${tape.of(['"a"', '"b"', '"list"', ...bound])}]`;
  }
}
