/**
 * Policies of the whole core language out of a seed. Most of them compile; values are of every kind, so that
 * comparisons, references and builtins meet what they did not expect.
 */
import type { SeededRandom } from '../fuzz/seeded-random.ts';
import { BUILTIN_CALLS, type Kind } from './builtin-calls.ts';

/** What the policy defines, in this order: a rule uses only what stands before it. */
const RULES = ['r0', 'r1', 's0', 'o0', 'r2', 't0', 'r3', 's1', 'r4'] as const;

/** Paths to ask for below `data`; the package as a whole is one of them. */
export const DECISIONS: readonly string[] = [...RULES.map((rule) => `p/${rule}`), 'p'];

const LITERALS: Readonly<Record<Exclude<Kind, 'any'>, readonly string[]>> = {
  number: ['0', '1', '2', '-1', '1.5', '100', '10', '0.1', '9007199254740993', '100000000000000000000'],
  string: ['"a"', '"b"', '""', '"ab"', '"a.b"', '"ü"', '"😀"', '"10"', '`a\\b`', '"A b"', '"[1]"'],
  boolean: ['true', 'false'],
  array: ['[]', '[1, 2]', '["a", "b"]', '[[1], [2, 3]]', '[1, "a", null]', '[{"a": 1}, {"a": 2}]', '[2, 1, 2]'],
  set: ['set()', '{1, 2}', '{"a", "b"}', '{[1], {"a": 1}}', '{1, "1", null}'],
  object: [
    '{}',
    '{"a": 1}',
    '{"a": {"b": 2}}',
    '{"a": [1, 2], "b": "x"}',
    '{1: "one", "b": "text"}',
    '{[1]: 2, null: 3}',
  ],
};
const KINDS = Object.keys(LITERALS) as readonly Exclude<Kind, 'any'>[];
const SCALAR_KINDS = ['number', 'string', 'boolean'] as const;
const INPUTS = [
  'input',
  'input.a',
  'input.b',
  'input.a.b',
  'input.list',
  'input.list[0]',
  'input["b"]',
  'input.missing',
  'data.base.n',
  'data.base.list[1]',
  'data.base.users.amal',
  'data.base',
] as const;
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
const ARITHMETIC = ['+', '-', '*', '/', '%'] as const;
const TARGETS = ['input', 'input.a', 'input.b', 'input.list', 'data.base.n', 'data.base', 'data.other.x'] as const;

/** What can be named at a place in the policy. */
interface Scope {
  /** How many of RULES stand before. */
  readonly rules: number;
  readonly functions: readonly string[];
  readonly variables: readonly string[];
  readonly depth: number;
}

export class PolicyGenerator {
  readonly #random: SeededRandom;
  #names = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  policy(): string {
    return [
      'package p',
      ...(this.#random.chance(0.1) ? ['import rego.v1'] : []),
      ...(this.#random.chance(0.2) ? ['import data.base.users as people'] : []),
      'id(x) := x',
      this.#functions(),
      ...RULES.map((name, index) => this.#rule(name, index)),
      '',
    ].join('\n');
  }

  #functions(): string {
    const one: Scope = { rules: 0, functions: ['h'], variables: ['x'], depth: 2 };
    const both: Scope = { ...one, variables: ['x', 'y'] };
    const last: Scope = { ...one, functions: ['h', 'f'] };
    const constant = `h(x) if { x == ${this.#scalar()} }\nh({"a": x}) if { x > 1 }`;
    const lines = [
      this.#random.chance(0.3) ? constant : 'h(x) if { x != null }',
      `f(x, y) := ${this.#term(both)} if { ${this.#body(both).text} }`,
      `g(x) := ${this.#term(last)} if { ${this.#body(last).text} }`,
    ];
    if (this.#random.chance(0.5)) lines.push(`else := ${this.#scalar()}`);
    if (this.#random.chance(0.3)) lines.push('g([a, b]) := [b, a] if { a != b }');
    if (this.#random.chance(0.4)) lines.push(`f(x, ${this.#scalar()}) := ${this.#term(one)}`);
    if (this.#random.chance(0.3)) lines.push(`default f(_, _) := ${this.#scalar()}`);
    return lines.join('\n');
  }

  #rule(name: string, index: number): string {
    const scope: Scope = { rules: index, functions: ['h', 'f', 'g'], variables: [], depth: 2 };
    const times = this.#random.list(1, 2, () => 0);
    if (name.startsWith('s')) {
      return times.map(() => this.#headed(scope, (inner) => `${name} contains ${this.#term(inner)}`)).join('\n');
    }
    if (name.startsWith('o'))
      return times.map(() => this.#headed(scope, (inner) => this.#objectHead(name, inner))).join('\n');
    if (name.startsWith('t'))
      return times.map(() => this.#headed(scope, (inner) => this.#deepHead(name, inner))).join('\n');
    return this.#complete(name, scope);
  }

  #complete(name: string, scope: Scope): string {
    const lines: string[] = [];
    if (this.#random.chance(0.4)) lines.push(`default ${name} := ${this.#ground()}`);
    if (this.#random.chance(0.1)) return [...lines, `${name} := ${this.#term(scope)}`].join('\n');
    if (this.#random.chance(0.15)) {
      // Many rules that compare one place with constants: the index.
      lines.push(
        ...this.#random.list(
          3,
          6,
          (i) => `${name} := ${i % 2} if { input.a == ${this.#scalar()}; ${this.#body(scope).text} }`,
        ),
      );
      return lines.join('\n');
    }
    const head = this.#random.chance(0.5)
      ? (): string => name
      : (inner: Scope): string => `${name} := ${this.#term(inner)}`;
    for (let count = 1 + this.#random.below(2); count > 0; count -= 1) {
      let line = this.#headed(scope, head);
      while (this.#random.chance(0.3)) {
        const { text, scope: inner } = this.#body(scope);
        line += ` else := ${this.#term(inner)} if { ${text} }`;
      }
      if (this.#random.chance(0.15)) line += ` else := ${this.#scalar()}`;
      lines.push(line);
    }
    return lines.join('\n');
  }

  #headed(scope: Scope, head: (scope: Scope) => string): string {
    const { text, scope: inner } = this.#body(scope);
    return `${head(inner)} if { ${text} }`;
  }

  #objectHead(name: string, scope: Scope): string {
    const key = scope.variables.length > 0 ? this.#random.pick(scope.variables) : '"k"';
    switch (this.#random.below(5)) {
      case 0:
        return `${name}.a := ${this.#term(scope)}`;
      case 1:
        return `${name}[${key}].b := ${this.#term(scope)}`;
      case 2:
        return `${name}.c.d`;
      default:
        return `${name}[${key}] := ${this.#term(scope)}`;
    }
  }

  #deepHead(name: string, scope: Scope): string {
    const key = scope.variables.length > 0 ? this.#random.pick(scope.variables) : '"k"';
    return this.#random.pick([
      `${name}.in[${key}] contains ${this.#term(scope)}`,
      `${name}.out[${key}][${this.#scalar()}] := ${this.#term(scope)}`,
      `${name}["x-y"].z := ${this.#term(scope)}`,
    ]);
  }

  /** Literals joined by `;`, sometimes in an order that the compiler must turn around. */
  #body(scope: Scope): { text: string; scope: Scope } {
    let inner = { ...scope, depth: 2 };
    const literals = this.#random.list(1, 3, () => {
      const [text, names] = this.#literal(inner);
      inner = { ...inner, variables: [...inner.variables, ...names] };
      return text;
    });
    // Declarations must stand before their uses, unification need not.
    if (this.#random.chance(0.3) && !literals.some((text) => /:=|some/.test(text))) literals.reverse();
    return { text: literals.join('; '), scope: inner };
  }

  /** A literal, and the variables that it binds. */
  #literal(scope: Scope): [string, readonly string[]] {
    const lower = { ...scope, depth: scope.depth - 1 };
    const fresh = this.#fresh();
    switch (this.#random.below(scope.depth <= 0 ? 6 : 16)) {
      case 0:
      case 1:
        return [this.#comparison(scope), []];
      case 2:
        return [`${fresh} := ${this.#term(scope)}`, [fresh]];
      case 3:
        return [this.#term(scope), []];
      case 4:
        return [`${this.#pattern(scope, fresh)} = id(${this.#term(scope)})`, [fresh]];
      case 5:
        return [`some ${fresh} in ${this.#collection(scope)}`, [fresh]];
      case 6: {
        const second = this.#fresh();
        return [`some ${fresh}, ${second} in ${this.#collection(scope)}`, [fresh, second]];
      }
      case 7:
        return [
          `some ${fresh}; ${this.#base(scope)}[${fresh}] ${this.#random.pick(COMPARISONS)} ${this.#vague(scope)}`,
          [fresh],
        ];
      case 8:
        return [this.#negated(lower), []];
      case 9:
        return [`not ${this.#comparison(lower)}`, []];
      case 10:
        return [this.#every(lower), []];
      case 11: {
        const [text, names] = this.#withable(lower);
        const count = this.#random.list(1, 2, () => ` with ${this.#random.pick(TARGETS)} as ${this.#term(lower)}`);
        return [`${text}${count.join('')}`, names];
      }
      case 12:
        return [`${this.#withable(lower)[0]} with ${this.#mock(lower)}`, []];
      case 13:
        return [`[${fresh}, _] := id(${this.#collection(scope)})`, [fresh]];
      case 14: {
        const second = this.#fresh();
        return [`walk(${this.#collection(scope)}, [${fresh}, ${second}])`, [fresh, second]];
      }
      default:
        return [`${this.#vague(lower)} in ${this.#collection(lower)}`, []];
    }
  }

  /** OPA forgets a body that is only `not true`: see the differences in the README. */
  #negated(scope: Scope): string {
    const term = this.#term(scope);
    return `not ${term === 'true' ? 'id(true)' : term}`;
  }

  /** Something of which the value depends on other documents. */
  #withable(scope: Scope): [string, readonly string[]] {
    const fresh = this.#fresh();
    if (scope.rules > 0 && this.#random.chance(0.7)) return [`${fresh} := ${this.#rules(scope)}`, [fresh]];
    return this.#random.pick([
      [`${fresh} := ${this.#own(scope)}`, [fresh]],
      [`${fresh} := count(id(${this.#term(scope)}))`, [fresh]],
      [this.#comparison(scope), []],
    ]);
  }

  #mock(scope: Scope): string {
    const documents = scope.rules > 2 ? ['data.p.r0 as 1', 'data.p.s0 as {"a"}', 'data.p.r1 as input.a'] : [];
    const functions = scope.functions.length > 2 ? ['data.p.g as data.p.h', 'data.p.f as 7'] : [];
    return this.#random.pick([...documents, ...functions, 'count as 3', 'upper as lower']);
  }

  #every(scope: Scope): string {
    const [key, value] = [this.#fresh(), this.#fresh()];
    const both = this.#random.chance(0.4);
    const inner = { ...scope, variables: [...scope.variables, ...(both ? [key, value] : [value])] };
    const names = both ? `${key}, ${value}` : value;
    const use = both ? `${key} != 9; ${value} != 9` : `${value} != 9`;
    return `every ${names} in ${this.#collection(scope)} { ${this.#literal({ ...inner, depth: 0 })[0]}; ${use} }`;
  }

  #pattern(scope: Scope, fresh: string): string {
    const known = scope.variables.length > 0 ? this.#random.pick(scope.variables) : this.#scalar();
    return this.#random.pick([
      fresh,
      `[${fresh}, _]`,
      `[${known}, ${fresh}]`,
      `{"a": ${fresh}}`,
      `{"a": ${known}, "b": ${fresh}}`,
    ]);
  }

  #comparison(scope: Scope): string {
    return `${this.#term(scope)} ${this.#random.pick(COMPARISONS)} ${this.#vague(scope)}`;
  }

  /** A term of which the type checker knows nothing, nearly always: what differs in type still gets compared. */
  #vague(scope: Scope): string {
    return this.#random.chance(0.02) ? this.#term(scope) : `id(${this.#term(scope)})`;
  }

  #term(scope: Scope, kind: Kind = 'any'): string {
    if (kind !== 'any') return this.#typed(scope, kind);
    const lower = { ...scope, depth: scope.depth - 1 };
    const choice = this.#random.below(scope.depth <= 0 ? 7 : 15);
    switch (choice) {
      case 0:
        return this.#random.chance(0.8) ? `id(${this.#scalar()})` : this.#scalar();
      case 1:
      case 2:
        return this.#random.pick(INPUTS);
      case 3:
        return this.#rules(scope);
      case 4:
        return this.#random.chance(0.7) ? `id(${this.#ground()})` : this.#ground();
      case 5:
      case 6:
        return scope.variables.length > 0 ? this.#random.pick(scope.variables) : this.#random.pick(INPUTS);
      case 7:
        return `${this.#base(lower)}[${this.#key(lower)}]`;
      case 8:
        return this.#comprehension(lower);
      case 9:
        return this.#random.pick([
          `[${this.#term(lower)}, ${this.#term(lower)}]`,
          `{"a": ${this.#term(lower)}}`,
          `{${this.#term(lower)}, ${this.#term(lower)}}`,
          `{${this.#term(lower)}: ${this.#term(lower)}}`,
        ]);
      case 10:
        return this.#own(lower);
      case 11:
        return `$"<{${this.#term(lower)}}|{${this.#random.pick(INPUTS)}}>"`;
      case 12:
        return `(${this.#typed(lower, 'number')} ${this.#random.pick(ARITHMETIC)} ${this.#typed(lower, 'number')})`;
      default:
        return this.#call(lower, BUILTIN_CALLS);
    }
  }

  /** A call of one of the policy's own functions. */
  #own(scope: Scope): string {
    const name = this.#random.pick(scope.functions);
    const second = name === 'f' ? `, ${this.#term(scope)}` : '';
    return `${name}(${this.#vague(scope)}${second})`;
  }

  /** A term that the type checker takes for `kind`; its value may be another kind's. */
  #typed(scope: Scope, kind: Exclude<Kind, 'any'>): string {
    if (this.#random.chance(0.005)) return this.#scalar();
    const calls = BUILTIN_CALLS.filter(({ result }) => result === kind);
    const lower = { ...scope, depth: scope.depth - 1 };
    if (scope.depth > 0 && calls.length > 0 && this.#random.chance(0.3)) return this.#call(lower, calls);
    if (kind === 'set' && scope.depth > 0 && this.#random.chance(0.2)) {
      return `(${this.#typed(lower, 'set')} ${this.#random.pick(['|', '&', '-'])} ${this.#typed(lower, 'set')})`;
    }
    if (this.#random.chance(0.5)) return this.#random.pick(LITERALS[kind]);
    return `id(${this.#term(lower)})`;
  }

  #call(scope: Scope, calls: typeof BUILTIN_CALLS): string {
    const { name, args } = this.#random.pick(calls);
    const given = args.map((arg) =>
      typeof arg === 'string'
        ? arg === 'any'
          ? this.#vague(scope)
          : this.#term(scope, arg)
        : `id(${this.#random.pick(arg)})`,
    );
    return name === 'object.get'
      ? `object.get(${given.join(', ')}, ${this.#scalar()})`
      : `${name}(${given.join(', ')})`;
  }

  #comprehension(scope: Scope): string {
    const name = this.#fresh();
    const inner = { ...scope, variables: [...scope.variables, name], depth: Math.min(scope.depth, 1) };
    const source = `some ${name} in ${this.#collection(scope)}`;
    const rest = this.#random.chance(0.5) ? `; ${this.#literal({ ...inner, depth: 0 })[0]}` : '';
    const head = this.#term({ ...inner, depth: 0 });
    return this.#random.pick([
      `[${head} | ${source}${rest}]`,
      `{${head} | ${source}${rest}}`,
      `{${name}: ${head} | ${source}${rest}}`,
      `{k: ${head} | some k, ${name} in ${this.#collection(scope)}${rest}}`,
    ]);
  }

  /** OPA does not resolve names in a template string right between brackets: see the known differences. */
  #key(scope: Scope): string {
    const key = this.#term(scope);
    return key.startsWith('$') ? `id(${key})` : key;
  }

  #collection(scope: Scope): string {
    if (this.#random.chance(0.5))
      return this.#random.pick(['input.list', 'input.a', 'input', 'data.base.list', 'data.base.users']);
    if (this.#random.chance(0.4)) return this.#typed(scope, this.#random.pick(['array', 'set', 'object']));
    return `id(${this.#term({ ...scope, depth: scope.depth - 1 })})`;
  }

  /** A reference that brackets may follow. */
  #base(scope: Scope): string {
    const choices = ['input', 'input.a', 'input.list', 'data.base', 'data.base.users', ...scope.variables];
    if (scope.rules > 0 && this.#random.chance(0.4)) {
      const rule = this.#random.pick(RULES.slice(0, scope.rules));
      return rule.startsWith('r') ? `id(${rule})` : rule;
    }
    return this.#random.pick(choices);
  }

  #rules(scope: Scope): string {
    if (scope.rules === 0) return this.#random.pick(INPUTS);
    const name = this.#random.pick(RULES.slice(0, scope.rules));
    return this.#random.chance(0.3) ? `data.p.${name}` : name;
  }

  #scalar(): string {
    return this.#random.chance(0.15) ? 'null' : this.#random.pick(LITERALS[this.#random.pick(SCALAR_KINDS)]);
  }

  #ground(): string {
    return this.#random.pick(LITERALS[this.#random.pick(KINDS)]);
  }

  #fresh(): string {
    this.#names += 1;
    return `v${this.#names}`;
  }
}
