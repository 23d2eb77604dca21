/** Sources of the intermediate form to closures that read a value, or undefined. */
import type { Callee, Operand, Source } from '../../compile/ir.ts';
import type { Location } from '../../syntax/location.ts';
import type { Entry } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { baseDot, dot, objectDot } from '../access.ts';
import { RUNTIME } from '../runtime.ts';
import { resolve, type View, view, viewDot } from '../view.ts';
import { contextIn, type Linkage, type Read, read, readAll } from './frame.ts';

type Call = Extract<Source, { kind: 'call' }>;
type Found = Value | View | undefined;

export function readSource(link: Linkage, source: Source): Read<Found> {
  switch (source.kind) {
    case 'input': {
      const { context } = source;
      return (frame) => contextIn(frame, context).input;
    }
    case 'data': {
      const { context } = source;
      return (frame) => contextIn(frame, context).data;
    }
    case 'operand':
      return read(source.operand);
    case 'dot':
      return readDot(source);
    case 'document': {
      const { context, document } = source;
      const { documents } = link;
      return (frame) => documents[document.id]?.(contextIn(frame, context));
    }
    case 'view': {
      const { context, node } = source;
      return (frame) => view(contextIn(frame, context), node);
    }
    case 'resolve': {
      const from = read(source.source);
      return (frame) => resolve(from(frame));
    }
    case 'array':
      return readAll(source.items);
    case 'set': {
      const items = readAll(source.items);
      return (frame) => RUNTIME.makeSet(items(frame));
    }
    case 'object': {
      const entries = source.entries.map(([key, value]) => [read(key), read(value)] as const);
      return (frame) => RUNTIME.makeObject(entries.map(([key, value]): Entry => [key(frame), value(frame)]));
    }
    default:
      return readCall(link, source);
  }
}

function readDot({ source, key, of }: Extract<Source, { kind: 'dot' }>): Read<Found> {
  const [from, at] = [read(source), read(key)];
  if (of === 'base') return (frame) => baseDot(from(frame), at(frame));
  if (of === 'object') return (frame) => objectDot(from(frame), at(frame));
  if (of === 'view') return (frame) => viewDot(from(frame), at(frame));
  if (key.kind === 'const' && source.kind === 'local') {
    const { value } = key;
    const { local } = source;
    return (frame) => dot(frame[local] as Value, value);
  }
  return (frame) => dot(from(frame), at(frame));
}

function readCall(link: Linkage, call: Call): Read<Value | undefined> {
  const direct = callDirectly(link, call);
  const { callee, context, location } = call;
  const name = callee.kind === 'builtin' ? callee.name : callee.document.name;
  if (!link.mockable.has(name)) return direct;
  const args = readAll(call.args);
  return (frame) => {
    const at = contextIn(frame, context);
    if (at.mocks === undefined) return direct(frame);
    return RUNTIME.mocked(at, name, args(frame), location, () => direct(frame));
  };
}

function callDirectly(link: Linkage, { callee, args, context, location }: Call): Read<Value | undefined> {
  if (callee.kind === 'builtin') return callBuiltin(link, callee, args, location);
  const { documents } = link;
  const { id } = callee.document;
  const [first, second] = args;
  if (first !== undefined && second === undefined) {
    const only = read(first);
    return (frame) => documents[id]?.(contextIn(frame, context), only(frame));
  }
  const all = readAll(args);
  return (frame) => documents[id]?.(contextIn(frame, context), ...all(frame));
}

function callBuiltin(
  { builtins }: Linkage,
  { name }: Extract<Callee, { kind: 'builtin' }>,
  args: readonly Operand[],
  location: Location,
): Read<Value | undefined> {
  const builtin = builtins.get(name);
  if (builtin === undefined) throw new Error(`builtin ${name} vanished`);
  const [first, second, third] = args;
  if (first !== undefined && second === undefined) {
    const a = read(first);
    return (frame) => RUNTIME.call(contextIn(frame, 0).query, builtin, location, a(frame));
  }
  if (first !== undefined && second !== undefined && third === undefined) {
    const [a, b] = [read(first), read(second)];
    return (frame) => RUNTIME.call(contextIn(frame, 0).query, builtin, location, a(frame), b(frame));
  }
  const all = readAll(args);
  return (frame) => RUNTIME.call(contextIn(frame, 0).query, builtin, location, ...all(frame));
}
