/** Blocks and statements of the intermediate form to closures. */
import type { Block, Comparison, Modifier, Operand, Stmt } from '../../compile/ir.ts';
import { compare, equal } from '../../value/compare.ts';
import type { Value } from '../../value/value.ts';
import { elements, isCollection, isShape } from '../access.ts';
import type { ContextModifier } from '../context.ts';
import type { Pairs } from '../partial-object.ts';
import { RUNTIME } from '../runtime.ts';
import { viewElements } from '../view.ts';
import {
  callerIn,
  contextIn,
  FAIL,
  type Frame,
  type Linkage,
  NEXT,
  type Read,
  read,
  readAll,
  type Step,
} from './frame.ts';
import { readSource } from './read-source.ts';

/** How a solution leaves a rule or a query. */
export type Leaf = (stmt: Extract<Stmt, { op: 'produce' | 'answer' }>) => Step;

type Scan = Extract<Stmt, { op: 'scan' | 'every' }>;
type Collect = Extract<Stmt, { op: 'collect' }>;

/** Runs statement after statement; a failure ends this block and nothing else. */
export function runBlock(link: Linkage, block: Block, leaf: Leaf): Step {
  const steps = block.map((stmt) => runStatement(link, stmt, leaf));
  const [first, second] = steps;
  if (first === undefined) return () => NEXT;
  if (second === undefined) {
    return (frame) => {
      const signal = first(frame);
      return signal === FAIL ? NEXT : signal;
    };
  }
  return (frame) => {
    for (const step of steps) {
      const signal = step(frame);
      if (signal !== NEXT) return signal === FAIL ? NEXT : signal;
    }
    return NEXT;
  };
}

function runStatement(link: Linkage, stmt: Stmt, leaf: Leaf): Step {
  const step = plainStatement(link, stmt, leaf);
  return link.instruments === undefined ? step : link.instruments.statement(stmt, step);
}

function plainStatement(link: Linkage, stmt: Stmt, leaf: Leaf): Step {
  switch (stmt.op) {
    case 'mark':
      return () => NEXT;
    case 'let': {
      const { target } = stmt;
      const value = readSource(link, stmt.value);
      return (frame) => ((frame[target] = value(frame)) === undefined ? FAIL : NEXT);
    }
    case 'compare':
      return test(comparison(stmt.by, stmt.left, stmt.right));
    case 'clock': {
      const { by, divisor } = stmt;
      const operand = read(stmt.operand);
      return test((frame) => holds(by, RUNTIME.compareToClock(callerIn(frame).query, operand(frame), divisor)));
    }
    case 'truthy': {
      const operand = read(stmt.operand);
      return test((frame) => operand(frame) !== false);
    }
    case 'shape': {
      const { size } = stmt;
      const source = read(stmt.source);
      const isArray = Number(stmt.of === 'array');
      return test((frame) => isShape(source(frame), isArray, size));
    }
    case 'scan':
      return scan(stmt, runBlock(link, stmt.body, leaf));
    case 'exists': {
      const { label } = stmt;
      const body = runBlock(link, stmt.body, leaf);
      return stmt.negated ? test((frame) => body(frame) !== label) : test((frame) => body(frame) === label);
    }
    case 'either': {
      const { label } = stmt;
      const branches = stmt.branches.map((branch) => runBlock(link, branch, leaf));
      return test((frame) => branches.some((branch) => branch(frame) === label));
    }
    case 'every':
      return every(stmt, runBlock(link, stmt.body, leaf));
    case 'leave': {
      const { label } = stmt;
      return () => label;
    }
    case 'collect':
      return collect(stmt, runBlock(link, stmt.body, leaf));
    case 'add':
      return add(stmt);
    case 'with': {
      const { target, context } = stmt;
      const modifiers = stmt.modifiers.map((modifier) => readModifier(link, modifier));
      return (frame) => {
        frame[target] = contextIn(frame, context).with(modifiers.map((modifier) => modifier(frame)));
        return NEXT;
      };
    }
    default:
      return leaf(stmt);
  }
}

function test(condition: Read<boolean>): Step {
  return (frame) => (condition(frame) ? NEXT : FAIL);
}

function comparison(by: Comparison, left: Operand, right: Operand): Read<boolean> {
  const [a, b] = [read(left), read(right)];
  if (by === 'equal') {
    if (left.kind === 'local' && isSimple(right)) {
      const { local } = left;
      const { value } = right;
      return (frame) => frame[local] === value;
    }
    return (frame) => equal(a(frame), b(frame));
  }
  if (by === 'neq') return (frame) => !equal(a(frame), b(frame));
  return (frame) => holds(by, order(a(frame), b(frame)));
}

/** Constants that nothing but themselves equals: no number, no collection. */
function isSimple(operand: Operand): operand is { readonly kind: 'const'; readonly value: Value } {
  if (operand.kind === 'local') return false;
  const { value } = operand;
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function order(a: Value, b: Value): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compare(a, b);
}

function holds(by: Exclude<Comparison, 'equal' | 'neq'>, sign: number): boolean {
  switch (by) {
    case 'lt':
      return sign < 0;
    case 'lte':
      return sign <= 0;
    case 'gt':
      return sign > 0;
    default:
      return sign >= 0;
  }
}

function spendStep(frame: Frame): void {
  const { query } = callerIn(frame);
  query.fuel -= 1;
  if (query.fuel < 0) query.exhausted();
}

/** Keys and values in order. */
function pairsOf(source: Value): Iterable<readonly [Value, Value]> {
  return Array.isArray(source) ? (source as readonly Value[]).entries() : elements(source);
}

function scan({ source, view, key, value }: Extract<Scan, { op: 'scan' }>, body: Step): Step {
  const from = read(source);
  const visit = (frame: Frame, k: unknown, v: unknown): number => {
    spendStep(frame);
    frame[key] = k;
    frame[value] = v;
    return body(frame);
  };
  return (frame) => {
    const collection = from(frame);
    if (Array.isArray(collection)) {
      for (let i = 0; i < collection.length; i += 1) {
        const signal = visit(frame, i, collection[i]);
        if (signal !== NEXT) return signal;
      }
      return NEXT;
    }
    for (const [k, v] of view ? viewElements(collection) : elements(collection)) {
      const signal = visit(frame, k, v);
      if (signal !== NEXT) return signal;
    }
    return NEXT;
  };
}

function every({ source, key, value, label }: Extract<Scan, { op: 'every' }>, body: Step): Step {
  const from = read(source);
  return (frame) => {
    const collection = from(frame);
    if (!isCollection(collection)) return FAIL;
    for (const [k, v] of pairsOf(collection)) {
      spendStep(frame);
      frame[key] = k;
      frame[value] = v;
      if (body(frame) !== label) return FAIL;
    }
    return NEXT;
  };
}

/** The collection grows in the local that will hold it: its own body cannot read it. */
function collect({ of, target, location }: Collect, body: Step): Step {
  return (frame) => {
    const builder = of === 'array' ? [] : of === 'set' ? RUNTIME.setBuilder() : RUNTIME.pairs(location);
    frame[target] = builder;
    body(frame);
    frame[target] = Array.isArray(builder) ? builder : builder.done();
    return NEXT;
  };
}

function add({ of, collector, key, value }: Extract<Stmt, { op: 'add' }>): Step {
  const item = read(value);
  if (key !== undefined) {
    const at = read(key);
    return (frame) => {
      (frame[collector] as Pairs).put(at(frame), item(frame));
      return NEXT;
    };
  }
  if (of === 'array') {
    return (frame) => {
      (frame[collector] as Value[]).push(item(frame));
      return NEXT;
    };
  }
  return (frame) => {
    (frame[collector] as ReturnType<typeof RUNTIME.setBuilder>).add(item(frame));
    return NEXT;
  };
}

function readModifier(link: Linkage, modifier: Modifier): Read<ContextModifier> {
  if (modifier.kind !== 'function') {
    const kind = modifier.kind === 'input' ? 0 : 1;
    const path = readAll(modifier.path);
    const value = read(modifier.value);
    return (frame) => ({ kind, path: path(frame), value: value(frame) });
  }
  const { target: name, replacement } = modifier;
  if (replacement.kind === 'const' || replacement.kind === 'local') {
    const value = read(replacement);
    return (frame) => ({ kind: 2, name, value: value(frame) });
  }
  if (replacement.kind === 'function') {
    const mock = { kind: 3, name, document: replacement.document.id } as const;
    return () => mock;
  }
  const builtin = link.builtins.get(replacement.name);
  if (builtin === undefined) throw new Error(`builtin ${replacement.name} vanished`);
  const mock = { kind: 4, name, builtin } as const;
  return () => mock;
}
