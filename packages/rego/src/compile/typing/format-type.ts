/** Types as OPA writes them under its messages. */

import { regoText } from '../../builtins/text.ts';
import type { FunctionType, ObjectType, Type } from '../../builtins/type.ts';

export function formatType(type: Type): string {
  switch (type.kind) {
    case 'unknown':
      return '???';
    case 'array':
      return `array${angled(type.items.map(formatType))}${type.rest === undefined ? '' : `[${formatType(type.rest)}]`}`;
    case 'set':
      return type.member === undefined ? 'set' : `set[${formatType(type.member)}]`;
    case 'object':
      return formatObject(type);
    case 'union':
      return `any${angled(type.of.map(formatType))}`;
    case 'function':
      return `${formatTypes(type.args)} => ${type.result === undefined ? '???' : formatType(type.result)}`;
    default:
      return type.kind;
  }
}

export function formatTypes(types: readonly Type[]): string {
  return `(${types.map(formatType).join(', ')})`;
}

/** The arguments that a function wants, and its result. */
export function formatWanted({ args, result, variadic }: FunctionType): string {
  const wanted = [...args, ...(result === undefined ? [] : [result])].map(formatType);
  return `(${[...wanted, ...(variadic === undefined ? [] : [`${formatType(variadic)}...`])].join(', ')})`;
}

function formatObject({ properties, rest }: ObjectType): string {
  const known = properties.map(
    ({ key, value }) => `${typeof key === 'string' ? key : regoText(key)}: ${formatType(value)}`,
  );
  return `object${angled(known)}${rest === undefined ? '' : `[${formatType(rest.key)}: ${formatType(rest.value)}]`}`;
}

function angled(parts: readonly string[]): string {
  return parts.length === 0 ? '' : `<${parts.join(', ')}>`;
}
