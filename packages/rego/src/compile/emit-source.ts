/** Expressions of generated source: values, calls of rules and builtins, and the modifiers of `with`. */
import type { Location } from '../syntax/location.ts';
import { isObject, RegoObject } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import type { Emission } from './emission.ts';
import type { Callee, Modifier, Source } from './ir.ts';
import type { VirtualDocument } from './rule-tree.ts';

const READERS = { value: 'dot', object: 'objectDot', base: 'baseDot', view: 'viewDot' } as const;

export function emitAssign(e: Emission, target: number, value: Source, fail: string): string {
  if (value.kind === 'call' && value.callee.kind === 'builtin' && !e.c.mockable.has(value.callee.name)) {
    return `${emitBuiltin(e, value.callee.name, value, `v${target}`)}if(v${target}===undefined)${fail}`;
  }
  const source = emitSource(e, value);
  const certain =
    value.kind === 'operand' ||
    value.kind === 'array' ||
    value.kind === 'set' ||
    value.kind === 'object' ||
    value.kind === 'view';
  return certain ? `v${target}=${source};` : `v${target}=${source};if(v${target}===undefined)${fail}`;
}

function emitSource(e: Emission, value: Source): string {
  switch (value.kind) {
    case 'input':
      return `v${value.context}.input`;
    case 'data':
      return `v${value.context}.data`;
    case 'operand':
      return e.operand(value.operand);
    case 'dot':
      return emitDot(e, value);
    case 'document':
      return emitInvocation(e, value.document, value.context, '');
    case 'view':
      return `view(v${value.context},N[${e.nodes.index(value.node)}])`;
    case 'resolve':
      return `resolve(${e.operand(value.source)})`;
    case 'array':
      return `[${e.operands(value.items)}]`;
    case 'set':
      return `makeSet([${e.operands(value.items)}])`;
    case 'object':
      if (value.entries.every(([key]) => key.kind === 'const' && typeof key.value === 'string')) {
        // Computed keys define own properties, also for `__proto__`.
        return `{${value.entries.map(([key, each]) => `[${e.operand(key)}]:${e.operand(each)}`).join(',')}}`;
      }
      return `makeObject([${value.entries.map(([key, each]) => `[${e.operand(key)},${e.operand(each)}]`).join(',')}])`;
    default:
      return emitCall(e, value.callee, value, e.operands(value.args));
  }
}

/**
 * A member by a name that the policy spells out is read in place, where the engine remembers the shape it met. What was
 * read counts only when nothing can have been inherited: the object's prototype is null, or Object.prototype (`O`) without
 * a member of that name, also when somebody has added to it. The read comes first because the engine then knows the
 * object's shape, and with it the prototype, at no cost.
 */
function emitDot(e: Emission, { of, source, key }: Extract<Source, { kind: 'dot' }>): string {
  const [from, name] = [e.operand(source), e.operand(key)];
  const table = source.kind === 'const' && (of === 'value' || of === 'object') ? textTable(source.value) : undefined;
  if (table !== undefined) return `T[${e.tables.index(table)}].get(${name})`;
  const careful = `${READERS[of]}(${from},${name})`;
  if (of === 'view' || source.kind !== 'local' || key.kind !== 'const' || typeof key.value !== 'string') return careful;
  const read = `m=${from}[${name}],p=getPrototypeOf(${from}),(p===O||p===null)&&O[${name}]===undefined?m:${careful}`;
  return `(typeof ${from}==="object"&&${from}!==null?(${read}):undefined)`;
}

/** What a constant object has under each name, to look up whatever the name. */
function textTable(value: Value): ReadonlyMap<string, Value> | undefined {
  if (!isObject(value) || value instanceof RegoObject) return undefined;
  return new Map(Object.entries(value));
}

/** A builtin is called in place, where the engine remembers which one it is. */
function emitBuiltin(
  e: Emission,
  name: string,
  { args, location }: Extract<Source, { kind: 'call' }>,
  target: string,
): string {
  const { evaluate, builtin, isValue } = e.builtin(name);
  const called = `${evaluate}(${['q', ...args.map((arg) => e.operand(arg))].join(',')})`;
  const assigned = isValue ? `${target}=${called};` : `${called};${target}=true;`;
  return `try{${assigned}}catch(x){${target}=q.failed(x,${builtin},${e.site(location)});}`;
}

function emitCall(
  e: Emission,
  callee: Callee,
  { context, location }: { context: number; location: Location },
  args: string,
): string {
  const name = callee.kind === 'builtin' ? callee.name : callee.document.name;
  const direct = emitDirect(e, callee, context, location, args);
  if (!e.c.mockable.has(name)) return direct;
  const k = e.constant(name);
  return `(v${context}.mocks===undefined?${direct}:mocked(v${context},${k},[${args}],${e.site(location)},()=>${direct}))`;
}

function emitDirect(e: Emission, callee: Callee, context: number, location: Location, args: string): string {
  const following = args === '' ? '' : `,${args}`;
  if (callee.kind === 'function') return emitInvocation(e, callee.document, context, following);
  return `call(q,${e.builtin(callee.name).builtin},${e.site(location)}${following})`;
}

function emitInvocation(e: Emission, { id }: VirtualDocument, context: number, following: string): string {
  return `${e.ownDocuments ? `f${id}` : `D[${id}]`}(v${context}${following})`;
}

export function emitModifier(e: Emission, modifier: Modifier): string {
  if (modifier.kind !== 'function') {
    return `{kind:${modifier.kind === 'input' ? 0 : 1},path:[${e.operands(modifier.path)}],value:${e.operand(modifier.value)}}`;
  }
  const { target, replacement } = modifier;
  const name = e.constant(target);
  if (replacement.kind === 'const' || replacement.kind === 'local') {
    return `{kind:2,name:${name},value:${e.operand(replacement)}}`;
  }
  if (replacement.kind === 'function') return `{kind:3,name:${name},document:${replacement.document.id}}`;
  return `{kind:4,name:${name},builtin:${e.builtin(replacement.name).builtin}}`;
}
