/**
 * What a schema accepts, as JSON Schema 2020-12: the published schema, and what the loader asks when it needs to know which
 * keys exist, which values are secrets and which are paths.
 */
import { z } from 'zod';
import type { KeyPath } from './key-path.ts';

/** The part of JSON Schema that our schemas consist of. */
export interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: boolean | Shape;
  readonly propertyNames?: Shape;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly string[];
  readonly format?: string;
  /** Marks a secret. */
  readonly writeOnly?: boolean;
}

/** Appended to the key of a secret: the file that holds it. */
export const FILE_SUFFIX = '_file';

const SECRET_FILE: Shape = { type: 'string', format: 'path', examples: ['/run/secrets/order-service'] };

/** The JSON Schema of what a user may write; beside every secret `key` there is a `key_file`. */
export function shapeOf(schema: z.ZodType): Shape {
  return withSecretFiles(z.toJSONSchema(schema, { io: 'input' })) as Shape;
}

function withSecretFiles(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withSecretFiles);
  if (node === null || typeof node !== 'object') return node;
  const shape: Shape = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withSecretFiles(value)]));
  const secrets = Object.keys(shape.properties ?? {}).filter((key) => shape.properties?.[key]?.writeOnly === true);
  if (secrets.length === 0) return shape;
  const files = secrets.map((key) => [
    `${key}${FILE_SUFFIX}`,
    { ...SECRET_FILE, description: `File that holds \`${key}\`.` },
  ]);
  const needed = secrets.filter((key) => shape.required?.includes(key));
  return {
    ...shape,
    properties: { ...shape.properties, ...Object.fromEntries(files) },
    required: shape.required?.filter((key) => !secrets.includes(key)),
    allOf: needed.map((key) => ({ oneOf: [key, `${key}${FILE_SUFFIX}`].map(having) })),
  };
}

function having(key: string): object {
  return { type: 'object', properties: { [key]: { type: 'string' } }, required: [key] };
}

/** All shapes that a value may have: the shape itself, or the members of a union that fit `value`. */
export function alternatives(shape: Shape, value?: unknown): readonly Shape[] {
  const members = shape.anyOf ?? shape.oneOf;
  if (members === undefined) return [shape];
  const fitting = members.filter((member) => fits(member, value));
  return fitting.length > 0 ? fitting : members;
}

/** The shapes of one key or index below a shape. */
export function childShapes(shape: Shape, value: unknown, part: string | number): readonly Shape[] {
  return alternatives(shape, value).flatMap((each) => {
    if (typeof part === 'number') return each.items ?? [];
    const named =
      each.properties !== undefined && Object.hasOwn(each.properties, part) ? each.properties[part] : undefined;
    if (named !== undefined) return named;
    return typeof each.additionalProperties === 'object' ? each.additionalProperties : [];
  });
}

/** The shapes at the end of a path through a document. */
export function shapesAt(root: Shape, document: unknown, path: KeyPath): readonly Shape[] {
  let shapes: readonly Shape[] = [root];
  let value = document;
  for (const part of path) {
    const parent = value;
    shapes = shapes.flatMap((shape) => childShapes(shape, parent, part));
    value = childOf(parent, part);
  }
  return shapes.flatMap((shape) => alternatives(shape, value));
}

/** Calls `visitor` for every value in a document that has a shape, parents first. */
export function visit(
  root: Shape,
  document: unknown,
  visitor: (path: KeyPath, value: unknown, shapes: readonly Shape[]) => void,
): void {
  const walk = (shapes: readonly Shape[], value: unknown, path: KeyPath): void => {
    if (shapes.length === 0) return;
    const members = shapes.flatMap((shape) => alternatives(shape, value));
    visitor(path, value, members);
    for (const part of partsOf(value)) {
      const below = members.flatMap((shape) => childShapes(shape, value, part));
      walk(below, childOf(value, part), [...path, part]);
    }
  };
  walk([root], document, []);
}

/** The keys or indexes of a mapping or list. */
export function partsOf(value: unknown): readonly (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()];
  return value !== null && typeof value === 'object' ? Object.keys(value) : [];
}

/** The value of a key or index, or undefined. */
export function childOf(value: unknown, part: string | number): unknown {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
  return (value as Record<string | number, unknown>)[part];
}

/** Whether a union member can be meant: the kind of value, and the constant keys that tell members apart. */
function fits(member: Shape, value: unknown): boolean {
  if (Array.isArray(value)) return member.type === 'array';
  if (value === null || typeof value !== 'object') return value === undefined || member.type === typeof value;
  if (member.type !== 'object') return false;
  return Object.entries(member.properties ?? {}).every(
    ([key, { const: constant }]) => constant === undefined || childOf(value, key) === constant,
  );
}
