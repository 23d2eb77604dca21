/**
 * Several modules out of a seed that refer to one another: packages that extend base documents, imports with aliases,
 * heads that are references with variables, functions with patterns, and `with` on all of it.
 */
import type { SeededRandom } from '../fuzz/seeded-random.ts';
import { APP, BASE, BUILTINS, KEYS, LIB, type Names, SCALAR_DOCUMENT, SCALARS, SOURCES } from './module-vocabulary.ts';

export interface GeneratedModule {
  readonly file: string;
  readonly text: string;
}

/** Paths to ask for below `data`, whole packages among them. */
export const MODULE_DECISIONS = [
  'base',
  'base/virt',
  'lib',
  'lib/one',
  'lib/one/tree',
  'lib/one/names',
  'lib/old',
  'app',
  'app/d0',
  'app/d1',
  'app/d2',
] as const;

export class ModuleGenerator {
  readonly #random: SeededRandom;
  #names = 0;
  /** Whether `not { … }` may be written in this module. */
  #braces = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** In an order in which each finds what it needs. */
  modules(): GeneratedModule[] {
    return [
      { file: 'base.rego', text: this.#base() },
      { file: 'lib.rego', text: this.#lib() },
      { file: 'old.rego', text: this.#old() },
      { file: 'app.rego', text: this.#app() },
    ];
  }

  #keywords(): string {
    this.#braces = this.#random.chance(0.5);
    return this.#braces ? 'import future.keywords.not' : '';
  }

  #base(): string {
    return lines(
      'package base.virt',
      this.#keywords(),
      'id(x) := x',
      this.#rule(BASE, (value) => `one := ${value}`),
      this.#rule(BASE, (value, key) => `two[${key}] := ${value}`),
      this.#rule(BASE, (value, key) => `three.four[${key}] contains ${value}`),
    );
  }

  #lib(): string {
    const random = this.#random;
    return lines(
      'package lib.one',
      this.#keywords(),
      'import data.base.virt as extra',
      'id(x) := x',
      this.#functions(),
      ...random.list(1, 3, () => this.#rule(LIB, (value, key) => this.#treeHead(value, key))),
      this.#rule(LIB, (value) => `names contains ${value}`),
      `fixed := ${random.pick(SCALARS)} if { ${this.#body(LIB).text} } else := ${random.pick(SCALARS)}`,
    );
  }

  #functions(): string {
    const random = this.#random;
    const patterns = ['[a, b]', '[a, [b]]', '{"a": a, "b": b}', '{"a": a, "roles": b}', '[a, b, _]', '[a, a, b]'];
    const results = ['a', 'b', '[b, a]', '{"a": b}', '{a: b}'];
    const inner = (names: readonly string[]): string => this.#literal(BASE, names)[0];
    return lines(
      ...random.list(1, 3, () => {
        const body = random.chance(0.6) ? ` if { ${inner(['a', 'b'])} }` : '';
        const otherwise = random.chance(0.3) && body !== '' ? ` else := ${random.pick(results)}` : '';
        return `pick(${random.pick(patterns)}) := ${random.pick(results)}${body}${otherwise}`;
      }),
      random.chance(0.4) ? `default pick(_) := ${random.pick(SCALARS)}` : '',
      `shape(x) := "array" if is_array(x) else := "object" if { is_object(x); ${inner(['x'])} }`,
      random.chance(0.5) ? `shape(${random.pick(SCALARS)}) := ${random.pick(SCALARS)}` : '',
      random.chance(0.3) ? 'default shape(_) := "none"' : '',
    );
  }

  #treeHead(value: string, key: string): string {
    return this.#random.pick([
      `tree.a[${key}] := ${value}`,
      `tree.a.b := ${value}`,
      `tree[${key}].c := ${value}`,
      `tree[${key}][${this.#random.pick(KEYS)}] := ${value}`,
      `tree.s[${key}] contains ${value}`,
      `tree["x-y"].t contains ${value}`,
      `tree.a["b"].deep[${key}] := ${value}`,
      `tree.u[${key}]`,
    ]);
  }

  /** A package that is imported under its own name. */
  #old(): string {
    const random = this.#random;
    const head = random.pick([
      'seen contains x if { x := %[_] }',
      'seen[x] := y if { y := %[x] }',
      'seen contains x if %[x]',
    ]);
    return lines(
      'package lib.old',
      head.replace('%', random.pick(SOURCES)),
      `value := ${random.pick(SCALARS)} if { not input.a.missing }`,
      random.chance(0.5) ? `value := ${random.pick(SCALARS)} if { input.a == ${random.pick(SCALARS)} }` : '',
      random.chance(0.4) ? `default value := ${random.pick(SCALARS)}` : '',
      'twice(x) := [x, x]',
    );
  }

  #app(): string {
    const deep = (value: string, key: string): string =>
      this.#random.pick([`d3.a[${key}] := ${value}`, `d3[${key}].b contains ${value}`, `d3.a.b.c := ${value}`]);
    return lines(
      'package app',
      this.#keywords(),
      'import data.lib.one as lib',
      'import data.lib.old',
      'import data.lib.one.shape as shaped',
      'id(x) := x',
      this.#rule(APP, (value) => `d0 := ${value}`),
      this.#rule(APP, (value) => `d1 contains ${value}`),
      this.#rule(APP, (value, key) => `d2[${key}] := ${value}`),
      ...this.#random.list(1, 2, () => this.#rule(APP, deep)),
    );
  }

  #rule(names: Names, head: (value: string, key: string) => string): string {
    const { text, variables } = this.#body(names);
    const key =
      variables.length > 0 && this.#random.chance(0.7) ? this.#random.pick(variables) : this.#random.pick(KEYS);
    return `${head(this.#term(names, variables, 1), key)} if { ${text} }`;
  }

  #body(names: Names, outer: readonly string[] = [], most = 3): { text: string; variables: readonly string[] } {
    let variables = outer;
    const literals = this.#random.list(1, most, () => {
      const [text, bound] = this.#literal(names, variables);
      variables = [...variables, ...bound];
      return text;
    });
    return { text: literals.join('; '), variables };
  }

  #literal(names: Names, variables: readonly string[]): [string, readonly string[]] {
    const random = this.#random;
    const [one, two] = [this.#fresh(), this.#fresh()];
    const term = (): string => this.#term(names, variables, 1);
    switch (random.below(13)) {
      case 0:
        return [`some ${one}, ${two} in ${this.#collection(names, variables)}`, [one, two]];
      case 1:
        return [`some ${one} in ${this.#collection(names, variables)}`, [one]];
      case 2:
        return [`${one} := ${term()}`, [one]];
      case 3:
        return [`not ${this.#negatable(names, variables)}`, []];
      case 4:
        if (!this.#braces) return [`not ${this.#negatable(names, variables)}`, []];
        return [`not { ${this.#body(names, variables, 2).text} }`, []];
      case 5: {
        const inner = this.#body(names, [...variables, one, two], 2).text;
        return [
          `every ${one}, ${two} in ${this.#collection(names, variables)} { ${one} != 9; ${two} != 9; ${inner} }`,
          [],
        ];
      }
      case 6:
      case 7:
        return [`${one} := ${term()}${this.#with(names, variables)}`, [one]];
      case 8:
        return [`not ${this.#negatable(names, variables)}${this.#with(names, variables)}`, []];
      case 9:
        return [`some ${one}; ${this.#scanned(names)}[${one}]`, [one]];
      case 10:
        return [`some ${one}, ${two}; ${one} = id(${random.pick(names.documents)})[${two}]`, [one, two]];
      case 11:
        return [`some ${one}, ${two}; ${this.#scanned(names)}[${one}][${two}]`, [one, two]];
      default:
        return [`id(${term()}) ${random.pick(['==', '!=', '<', '>='])} id(${term()})`, []];
    }
  }

  /** Braces behind `not` may hold a body. */
  #negatable(names: Names, variables: readonly string[]): string {
    const term = this.#term(names, variables, 1);
    return term.startsWith('{') ? `id(${term})` : term;
  }

  #scanned({ documents }: Names): string {
    const name = this.#random.pick(documents);
    return SCALAR_DOCUMENT.test(name) && this.#random.chance(0.95) ? `id(${name})` : name;
  }

  #with(names: Names, variables: readonly string[]): string {
    const random = this.#random;
    return random
      .list(1, 2, () =>
        random.chance(0.6)
          ? ` with ${random.pick(names.mocks)}`
          : ` with ${random.pick(['input', 'input.a', 'input.list', 'data.base.n', 'data.base.users.amal.a'])} as ${this.#term(names, variables, 0)}`,
      )
      .join('');
  }

  #term(names: Names, variables: readonly string[], depth: number): string {
    const random = this.#random;
    const lower = (): string => this.#term(names, variables, depth - 1);
    switch (random.below(depth <= 0 ? 5 : 11)) {
      case 0:
        return `id(${random.pick(SCALARS)})`;
      case 1:
        return random.pick(SOURCES);
      case 2:
        return random.pick(names.documents);
      case 3:
      case 4:
        return variables.length > 0 ? random.pick(variables) : random.pick(names.documents);
      case 5:
      case 6:
        return `${random.pick(names.functions)}(id(${lower()}))`;
      case 7:
        return random.pick(BUILTINS).replace('?', () => `id(${lower()})`);
      case 8: {
        const { text, variables: inner } = this.#body(names, variables, 2);
        const head = this.#term(names, inner, 0);
        const key = random.pick(inner.length > 0 ? inner : KEYS);
        return random.pick([`[${head} | ${text}]`, `{${head} | ${text}}`, `{${key}: ${head} | ${text}}`]);
      }
      case 9:
        return `$"{${lower()}} of {${random.pick(names.functions)}(id(${lower()}))}"`;
      default:
        return `id(${random.pick(names.documents)})[id(${random.pick(variables.length > 0 ? variables : KEYS)})]`;
    }
  }

  #collection(names: Names, variables: readonly string[]): string {
    const random = this.#random;
    if (random.chance(0.4)) return random.pick(SOURCES);
    return random.chance(0.5) ? this.#scanned(names) : `id(${this.#term(names, variables, 0)})`;
  }

  #fresh(): string {
    this.#names += 1;
    return `v${this.#names}`;
  }
}

function lines(...all: readonly string[]): string {
  return `${all.filter((line) => line !== '').join('\n')}\n`;
}
