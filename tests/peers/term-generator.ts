/** Terms of generated policies, of every kind. */
import type { SeededRandom } from '../fuzz/seeded-random.ts';
import { BUILTIN_CALLS, type Kind } from './builtin-calls.ts';
import { ARITHMETIC, INPUTS, KINDS, LITERALS, RULES, SCALAR_KINDS, type Scope } from './policy-vocabulary.ts';

export abstract class TermGenerator {
  protected readonly random: SeededRandom;
  private names = 0;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  /** A literal, and the variables that it binds. */
  protected abstract literal(scope: Scope): [string, readonly string[]];

  /** A term of which the type checker knows nothing, nearly always: what differs in type still gets compared. */
  protected vague(scope: Scope): string {
    return this.random.chance(0.02) ? this.term(scope) : `id(${this.term(scope)})`;
  }

  protected term(scope: Scope, kind: Kind = 'any'): string {
    if (kind !== 'any') return this.typed(scope, kind);
    const lower = { ...scope, depth: scope.depth - 1 };
    const choice = this.random.below(scope.depth <= 0 ? 7 : 15);
    switch (choice) {
      case 0:
        return this.random.chance(0.8) ? `id(${this.scalar()})` : this.scalar();
      case 1:
      case 2:
        return this.random.pick(INPUTS);
      case 3:
        return this.rules(scope);
      case 4:
        return this.random.chance(0.7) ? `id(${this.ground()})` : this.ground();
      case 5:
      case 6:
        return scope.variables.length > 0 ? this.random.pick(scope.variables) : this.random.pick(INPUTS);
      case 7:
        return `${this.base(lower)}[${this.key(lower)}]`;
      case 8:
        return this.comprehension(lower);
      case 9:
        return this.random.pick([
          `[${this.term(lower)}, ${this.term(lower)}]`,
          `{"a": ${this.term(lower)}}`,
          `{${this.term(lower)}, ${this.term(lower)}}`,
          `{${this.term(lower)}: ${this.term(lower)}}`,
        ]);
      case 10:
        return this.own(lower);
      case 11:
        return this.template(this.term(lower), this.random.pick(INPUTS));
      case 12:
        return `(${this.typed(lower, 'number')} ${this.random.pick(ARITHMETIC)} ${this.typed(lower, 'number')})`;
      default:
        return this.call(lower, BUILTIN_CALLS);
    }
  }

  /** A call of one of the policy's own functions. */
  protected own(scope: Scope): string {
    const name = this.random.pick(scope.functions);
    const second = name === 'f' ? `, ${this.term(scope)}` : '';
    return `${name}(${this.vague(scope)}${second})`;
  }

  /** A term that the type checker takes for `kind`; its value may be another kind's. */
  protected typed(scope: Scope, kind: Exclude<Kind, 'any'>): string {
    if (this.random.chance(0.005)) return this.scalar();
    const calls = BUILTIN_CALLS.filter(({ result }) => result === kind);
    const lower = { ...scope, depth: scope.depth - 1 };
    if (scope.depth > 0 && calls.length > 0 && this.random.chance(0.3)) return this.call(lower, calls);
    if (kind === 'set' && scope.depth > 0 && this.random.chance(0.2)) {
      return `(${this.typed(lower, 'set')} ${this.random.pick(['|', '&', '-'])} ${this.typed(lower, 'set')})`;
    }
    if (this.random.chance(0.5)) return this.random.pick(LITERALS[kind]);
    return `id(${this.term(lower)})`;
  }

  protected call(scope: Scope, calls: typeof BUILTIN_CALLS): string {
    const { name, args } = this.random.pick(calls);
    const given = args.map((arg) =>
      typeof arg === 'string'
        ? arg === 'any'
          ? this.vague(scope)
          : this.term(scope, arg)
        : `id(${this.random.pick(arg)})`,
    );
    return name === 'object.get' ? `object.get(${given.join(', ')}, ${this.scalar()})` : `${name}(${given.join(', ')})`;
  }

  protected comprehension(scope: Scope): string {
    const name = this.fresh();
    const inner = { ...scope, variables: [...scope.variables, name], depth: Math.min(scope.depth, 1) };
    const source = `some ${name} in ${this.collection(scope)}`;
    const rest = this.random.chance(0.5) ? `; ${this.literal({ ...inner, depth: 0 })[0]}` : '';
    const head = this.term({ ...inner, depth: 0 });
    return this.random.pick([
      `[${head} | ${source}${rest}]`,
      `{${head} | ${source}${rest}}`,
      `{${name}: ${head} | ${source}${rest}}`,
      `{k: ${head} | some k, ${name} in ${this.collection(scope)}${rest}}`,
    ]);
  }

  protected template(a: string, b: string): string {
    return `$"<{${a}}|{${b}}>"`;
  }

  /** OPA does not resolve names in a template string right between brackets: see the known differences. */
  protected key(scope: Scope): string {
    const key = this.term(scope);
    return key.startsWith('$') ? `id(${key})` : key;
  }

  protected collection(scope: Scope): string {
    if (this.random.chance(0.5))
      return this.random.pick(['input.list', 'input.a', 'input', 'data.base.list', 'data.base.users']);
    if (this.random.chance(0.4)) return this.typed(scope, this.random.pick(['array', 'set', 'object']));
    return `id(${this.term({ ...scope, depth: scope.depth - 1 })})`;
  }

  /** A reference that brackets may follow. */
  protected base(scope: Scope): string {
    const choices = ['input', 'input.a', 'input.list', 'data.base', 'data.base.users', ...scope.variables];
    if (scope.rules > 0 && this.random.chance(0.4)) {
      const rule = this.random.pick(RULES.slice(0, scope.rules));
      return rule.startsWith('r') ? `id(${rule})` : rule;
    }
    return this.random.pick(choices);
  }

  protected rules(scope: Scope): string {
    if (scope.rules === 0) return this.random.pick(INPUTS);
    const name = this.random.pick(RULES.slice(0, scope.rules));
    return this.random.chance(0.3) ? `data.p.${name}` : name;
  }

  protected scalar(): string {
    return this.random.chance(0.15) ? 'null' : this.random.pick(LITERALS[this.random.pick(SCALAR_KINDS)]);
  }

  protected ground(): string {
    return this.random.pick(LITERALS[this.random.pick(KINDS)]);
  }

  protected fresh(): string {
    this.names += 1;
    return `v${this.names}`;
  }
}
