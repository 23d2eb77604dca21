/** Literals and bodies of generated policies. */
import { COMPARISONS, type Scope, TARGETS } from './policy-vocabulary.ts';
import { TermGenerator } from './term-generator.ts';

export class LiteralGenerator extends TermGenerator {
  /** Literals joined by `;`, sometimes in an order that the compiler must turn around. */
  protected body(scope: Scope): { text: string; scope: Scope } {
    let inner = { ...scope, depth: 2 };
    const literals = this.random.list(1, 3, () => {
      const [text, names] = this.literal(inner);
      inner = { ...inner, variables: [...inner.variables, ...names] };
      return text;
    });
    // Declarations must stand before their uses, unification need not.
    if (this.random.chance(0.3) && !literals.some((text) => /:=|some/.test(text))) literals.reverse();
    return { text: literals.join('; '), scope: inner };
  }

  /** A literal, and the variables that it binds. */
  protected literal(scope: Scope): [string, readonly string[]] {
    const lower = { ...scope, depth: scope.depth - 1 };
    const fresh = this.fresh();
    switch (this.random.below(scope.depth <= 0 ? 6 : 16)) {
      case 0:
      case 1:
        return [this.comparison(scope), []];
      case 2:
        return [`${fresh} := ${this.term(scope)}`, [fresh]];
      case 3:
        return [this.term(scope), []];
      case 4:
        return [`${this.pattern(scope, fresh)} = id(${this.term(scope)})`, [fresh]];
      case 5:
        return [`some ${fresh} in ${this.collection(scope)}`, [fresh]];
      case 6: {
        const second = this.fresh();
        return [`some ${fresh}, ${second} in ${this.collection(scope)}`, [fresh, second]];
      }
      case 7:
        return [
          `some ${fresh}; ${this.base(scope)}[${fresh}] ${this.random.pick(COMPARISONS)} ${this.vague(scope)}`,
          [fresh],
        ];
      case 8:
        return [this.negated(lower), []];
      case 9:
        return [`not ${this.comparison(lower)}`, []];
      case 10:
        return [this.every(lower), []];
      case 11: {
        const [text, names] = this.withable(lower);
        const count = this.random.list(1, 2, () => ` with ${this.random.pick(TARGETS)} as ${this.term(lower)}`);
        return [`${text}${count.join('')}`, names];
      }
      case 12:
        return [`${this.withable(lower)[0]} with ${this.mock(lower)}`, []];
      case 13:
        return [`[${fresh}, _] := id(${this.collection(scope)})`, [fresh]];
      case 14: {
        const second = this.fresh();
        return [`walk(${this.collection(scope)}, [${fresh}, ${second}])`, [fresh, second]];
      }
      default:
        return [`${this.vague(lower)} in ${this.collection(lower)}`, []];
    }
  }

  /** OPA forgets a body that is only `not true`: see the differences in the README. */
  protected negated(scope: Scope): string {
    const term = this.term(scope);
    return `not ${term === 'true' ? 'id(true)' : term}`;
  }

  /** Something of which the value depends on other documents. */
  protected withable(scope: Scope): [string, readonly string[]] {
    const fresh = this.fresh();
    if (scope.rules > 0 && this.random.chance(0.7)) return [`${fresh} := ${this.rules(scope)}`, [fresh]];
    return this.random.pick([
      [`${fresh} := ${this.own(scope)}`, [fresh]],
      [`${fresh} := count(id(${this.term(scope)}))`, [fresh]],
      [this.comparison(scope), []],
    ]);
  }

  protected mock(scope: Scope): string {
    const documents = scope.rules > 2 ? ['data.p.r0 as 1', 'data.p.s0 as {"a"}', 'data.p.r1 as input.a'] : [];
    const functions = scope.functions.length > 2 ? ['data.p.g as data.p.h', 'data.p.f as 7'] : [];
    return this.random.pick([...documents, ...functions, 'count as 3', 'upper as lower']);
  }

  protected every(scope: Scope): string {
    const [key, value] = [this.fresh(), this.fresh()];
    const both = this.random.chance(0.4);
    const inner = { ...scope, variables: [...scope.variables, ...(both ? [key, value] : [value])] };
    const names = both ? `${key}, ${value}` : value;
    const use = both ? `${key} != 9; ${value} != 9` : `${value} != 9`;
    return `every ${names} in ${this.collection(scope)} { ${this.literal({ ...inner, depth: 0 })[0]}; ${use} }`;
  }

  protected pattern(scope: Scope, fresh: string): string {
    const known = scope.variables.length > 0 ? this.random.pick(scope.variables) : this.scalar();
    return this.random.pick([
      fresh,
      `[${fresh}, _]`,
      `[${known}, ${fresh}]`,
      `{"a": ${fresh}}`,
      `{"a": ${known}, "b": ${fresh}}`,
    ]);
  }

  protected comparison(scope: Scope): string {
    return `${this.term(scope)} ${this.random.pick(COMPARISONS)} ${this.vague(scope)}`;
  }
}
