/** Lowering of terms to operands. */
import {
  type ArrayTerm,
  type CallExpr,
  type Comprehension,
  type ObjectTerm,
  operatorName,
  type SetTerm,
  type Term,
} from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { objectFromEntries } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builder } from './builder.ts';
import type { Operand } from './ir.ts';
import { lowerBodyInPlace } from './lower-body.ts';
import { callee } from './lower-call.ts';
import { lowerRef } from './lower-ref.ts';

/** Evaluates a term; unbound variables in the brackets of refs are bound by scanning. */
export function lowerTerm(b: Builder, term: Term): Operand {
  switch (term.kind) {
    case 'scalar':
      return { kind: 'const', value: term.value };
    case 'var': {
      const operand = b.vars.get(term.name);
      if (operand === undefined) throw new Error(`variable ${term.name} has no value yet`);
      return operand;
    }
    case 'ref':
      return lowerRef(b, term);
    case 'array':
    case 'set':
      return lowerItems(b, term);
    case 'object':
      return lowerObject(b, term);
    case 'comprehension':
      return lowerComprehension(b, term);
    default:
      return lowerCallTerm(b, term.operator, term.args, term.location);
  }
}

function lowerItems(b: Builder, { kind, items }: ArrayTerm | SetTerm): Operand {
  const operands = items.map((item) => lowerTerm(b, item));
  const values = constants(operands);
  if (values === undefined) return b.define({ kind, items: operands });
  return { kind: 'const', value: kind === 'array' ? values : setFrom(values) };
}

function lowerObject(b: Builder, { entries }: ObjectTerm): Operand {
  const keys = entries.map(([key]) => lowerTerm(b, key));
  const items = entries.map(([, value]) => lowerTerm(b, value));
  const [keyValues, itemValues] = [constants(keys), constants(items)];
  if (keyValues !== undefined && itemValues !== undefined) {
    return {
      kind: 'const',
      value: objectFromEntries(keyValues.map((key, i) => [key, itemValues[i] ?? null] as const)),
    };
  }
  return b.define({ kind: 'object', entries: keys.map((key, i) => [key, items[i] ?? key] as const) });
}

/** The values of operands that are all constant. */
function constants(operands: readonly Operand[]): Value[] | undefined {
  const values: Value[] = [];
  for (const operand of operands) {
    if (operand.kind !== 'const') return undefined;
    values.push(operand.value);
  }
  return values;
}

function lowerCallTerm(b: Builder, operator: CallExpr['operator'], args: readonly Term[], location: Location): Operand {
  const operands = args.map((arg) => lowerTerm(b, arg));
  const name = operatorName(operator) ?? '';
  return b.define({ kind: 'call', callee: callee(b, name), args: operands, context: b.context, location });
}

function lowerComprehension(b: Builder, term: Comprehension): Operand {
  const target = b.local();
  const body = b.closure(() => {
    lowerBodyInPlace(b, term.body);
    const value = lowerTerm(b, term.value);
    const { of } = term;
    if (term.key === undefined) b.emit({ op: 'add', of, collector: target, value });
    else b.emit({ op: 'add', of, collector: target, key: lowerTerm(b, term.key), value });
  });
  b.emit({ op: 'collect', of: term.of, target, body, location: term.key?.location ?? term.location });
  return { kind: 'local', local: target };
}
