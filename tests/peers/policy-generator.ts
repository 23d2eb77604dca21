/**
 * Policies of the whole core language out of a seed. Most of them compile; values are of every kind, so that
 * comparisons, references and builtins meet what they did not expect.
 */
import { LiteralGenerator } from './literal-generator.ts';
import { RULES, type Scope } from './policy-vocabulary.ts';

/** Paths to ask for below `data`; the package as a whole is one of them. */
export const DECISIONS: readonly string[] = [...RULES.map((rule) => `p/${rule}`), 'p'];

export class PolicyGenerator extends LiteralGenerator {
  policy(): string {
    return [
      'package p',
      ...(this.random.chance(0.1) ? ['import rego.v1'] : []),
      ...(this.random.chance(0.2) ? ['import data.base.users as people'] : []),
      'id(x) := x',
      this.functions(),
      ...RULES.map((name, index) => this.rule(name, index)),
      '',
    ].join('\n');
  }

  private functions(): string {
    const one: Scope = { rules: 0, functions: ['h'], variables: ['x'], depth: 2 };
    const both: Scope = { ...one, variables: ['x', 'y'] };
    const last: Scope = { ...one, functions: ['h', 'f'] };
    const constant = `h(x) if { x == ${this.scalar()} }\nh({"a": x}) if { x > 1 }`;
    const lines = [
      this.random.chance(0.3) ? constant : 'h(x) if { x != null }',
      `f(x, y) := ${this.term(both)} if { ${this.body(both).text} }`,
      `g(x) := ${this.term(last)} if { ${this.body(last).text} }`,
    ];
    if (this.random.chance(0.5)) lines.push(`else := ${this.scalar()}`);
    if (this.random.chance(0.3)) lines.push('g([a, b]) := [b, a] if { a != b }');
    if (this.random.chance(0.4)) lines.push(`f(x, ${this.scalar()}) := ${this.term(one)}`);
    if (this.random.chance(0.3)) lines.push(`default f(_, _) := ${this.scalar()}`);
    return lines.join('\n');
  }

  private rule(name: string, index: number): string {
    const scope: Scope = { rules: index, functions: ['h', 'f', 'g'], variables: [], depth: 2 };
    const times = this.random.list(1, 2, () => 0);
    if (name.startsWith('s')) {
      return times.map(() => this.headed(scope, (inner) => `${name} contains ${this.term(inner)}`)).join('\n');
    }
    if (name.startsWith('o'))
      return times.map(() => this.headed(scope, (inner) => this.objectHead(name, inner))).join('\n');
    if (name.startsWith('t'))
      return times.map(() => this.headed(scope, (inner) => this.deepHead(name, inner))).join('\n');
    return this.complete(name, scope);
  }

  private complete(name: string, scope: Scope): string {
    const lines: string[] = [];
    if (this.random.chance(0.4)) lines.push(`default ${name} := ${this.ground()}`);
    if (this.random.chance(0.1)) return [...lines, `${name} := ${this.term(scope)}`].join('\n');
    if (this.random.chance(0.15)) {
      // Many rules that compare one place with constants: the index.
      lines.push(
        ...this.random.list(
          3,
          6,
          (i) => `${name} := ${i % 2} if { input.a == ${this.scalar()}; ${this.body(scope).text} }`,
        ),
      );
      return lines.join('\n');
    }
    const head = this.random.chance(0.5)
      ? (): string => name
      : (inner: Scope): string => `${name} := ${this.term(inner)}`;
    for (let count = 1 + this.random.below(2); count > 0; count -= 1) {
      let line = this.headed(scope, head);
      while (this.random.chance(0.3)) {
        const { text, scope: inner } = this.body(scope);
        line += ` else := ${this.term(inner)} if { ${text} }`;
      }
      if (this.random.chance(0.15)) line += ` else := ${this.scalar()}`;
      lines.push(line);
    }
    return lines.join('\n');
  }

  private headed(scope: Scope, head: (scope: Scope) => string): string {
    const { text, scope: inner } = this.body(scope);
    return `${head(inner)} if { ${text} }`;
  }

  private objectHead(name: string, scope: Scope): string {
    const key = scope.variables.length > 0 ? this.random.pick(scope.variables) : '"k"';
    switch (this.random.below(5)) {
      case 0:
        return `${name}.a := ${this.term(scope)}`;
      case 1:
        return `${name}[${key}].b := ${this.term(scope)}`;
      case 2:
        return `${name}.c.d`;
      default:
        return `${name}[${key}] := ${this.term(scope)}`;
    }
  }

  private deepHead(name: string, scope: Scope): string {
    const key = scope.variables.length > 0 ? this.random.pick(scope.variables) : '"k"';
    return this.random.pick([
      `${name}.in[${key}] contains ${this.term(scope)}`,
      `${name}.out[${key}][${this.scalar()}] := ${this.term(scope)}`,
      `${name}["x-y"].z := ${this.term(scope)}`,
    ]);
  }
}
