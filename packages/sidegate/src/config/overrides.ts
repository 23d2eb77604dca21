/** Environment variables that override keys: a prefix and the path in UPPER_SNAKE_CASE. */
import type { Diagnostic } from './diagnostic.ts';
import { type Draft, setValue } from './draft.ts';
import type { Environment } from './interpolate.ts';
import { type KeyPath, pathId, renderPath } from './key-path.ts';
import { nearest } from './nearest.ts';
import { alternatives, childOf, childShapes, partsOf, type Shape } from './shape.ts';

/** Variables with our prefix that are no keys of the file. */
const RESERVED: ReadonlySet<string> = new Set(['AUTHZ_CONFIG_PATH']);

export interface Overrides {
  readonly diagnostics: readonly Diagnostic[];
  /** `pathId` of every key that was set. */
  readonly overridden: ReadonlySet<string>;
}

/** Sets every key of a draft that a variable with this prefix names; the variable becomes its position. */
export function applyOverrides(draft: Draft, prefix: string | undefined, env: Environment): Overrides {
  if (prefix === undefined) return { diagnostics: [], overridden: new Set() };
  const keys = overridableKeys(prefix, draft.shape, draft.value);
  const overridden = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name];
    if (text === undefined || !name.startsWith(prefix) || RESERVED.has(name)) continue;
    const position = { file: `env:${name}`, line: 1, column: 1 };
    const [key, other] = keys.get(name) ?? [];
    if (key === undefined) {
      const meant = nearest(name, keys.keys());
      const hint = meant === undefined ? '' : `did you mean ${meant}?`;
      diagnostics.push({
        ...position,
        severity: 'warning',
        code: 'unknown_override',
        path: '',
        message: 'overrides no key',
        hint,
      });
    } else if (other !== undefined) {
      const message = 'could override more than one key';
      const hint = [key, other].map(({ path }) => renderPath(path)).join(' and ');
      diagnostics.push({ ...position, severity: 'error', code: 'unknown_override', path: '', message, hint });
    } else if (setValue(draft, key.path, coerce(text, key.shapes))) {
      draft.positions.set(pathId(key.path), { key: position, value: position });
      overridden.add(pathId(key.path));
    }
  }
  return { diagnostics, overridden };
}

interface Key {
  readonly path: KeyPath;
  readonly shapes: readonly Shape[];
}

/** Names of all single values and lists of them; below maps and lists of mappings, as far as the document has entries. */
function overridableKeys(prefix: string, root: Shape, document: unknown): Map<string, Key[]> {
  const keys = new Map<string, Key[]>();
  const walk = (shapes: readonly Shape[], value: unknown, path: KeyPath): void => {
    const all = shapes.flatMap((shape) => alternatives(shape));
    const fitting = shapes.flatMap((shape) => alternatives(shape, value));
    if (all.every(isSingle) || fitting.every(isSingle)) {
      const name = variableOf(prefix, path);
      keys.set(name, [...(keys.get(name) ?? []), { path, shapes: all.filter(isSingle) }]);
      return;
    }
    const known = fitting.flatMap((member) => Object.keys(member.properties ?? {}));
    for (const part of new Set([...known, ...partsOf(value)])) {
      const below = fitting.flatMap((member) => childShapes(member, value, part));
      if (below.length > 0) walk(below, childOf(value, part), [...path, part]);
    }
  };
  walk([root], document, []);
  return keys;
}

function variableOf(prefix: string, path: KeyPath): string {
  return (
    prefix +
    path
      .join('_')
      .replace(/[^A-Za-z0-9]/g, '_')
      .toUpperCase()
  );
}

/** A scalar, or a list of scalars. */
function isSingle(shape: Shape): boolean {
  if (shape.type === 'array') return shape.items !== undefined && alternatives(shape.items).every(isScalar);
  return isScalar(shape);
}

function isScalar({ type, const: constant }: Shape): boolean {
  return constant !== undefined || (type !== undefined && type !== 'object' && type !== 'array');
}

/** The text in the type of the key; what does not convert stays text, for the schema to refuse. */
function coerce(text: string, shapes: readonly Shape[]): unknown {
  const types = new Set(shapes.map((shape) => shape.type));
  if (types.has('array') && (text.includes(',') || !types.has('string'))) {
    return text === '' ? [] : text.split(',').map((item) => item.trim());
  }
  if (types.has('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  if ((types.has('integer') || types.has('number')) && /^-?\d{1,15}$/.test(text)) return Number(text);
  return text;
}
