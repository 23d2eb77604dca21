/** `json.patch` (RFC 6902), also over sets, where a member is its own path. */
import { equal } from '../value/compare.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { type EditTree, editTree } from './edit-tree.ts';
import { parsePath } from './json-paths.ts';
import { arrayOperand, typeName } from './operand.ts';
import { regoText } from './text.ts';
import { ANY, arrayOf, STRING, shape } from './type.ts';

export const JSON_PATCH: readonly Builtin[] = [
  {
    name: 'json.patch',
    args: [ANY, arrayOf(shape({ op: STRING, path: ANY }, { key: ANY, value: ANY }))],
    result: ANY,
    evaluate: (_, target, patches) => {
      const document = new Document(target);
      for (const step of arrayOperand(patches, 2)) applyStep(document, step);
      return document.render();
    },
  },
];

function applyStep(document: Document, step: Value): void {
  if (!isObject(step)) {
    throw new BuiltinError('must be an array of JSON-Patch objects, but at least one element is not an object');
  }
  const pathValue = attribute(step, 'path');
  const operation = attribute(step, 'op');
  if (typeof operation !== 'string') {
    throw new BuiltinError(`attribute 'op' must be a string but found: ${typeName(operation)}`);
  }
  if (!OPERATIONS.has(operation)) throw new BuiltinError(`unrecognized op: '${operation}'`);
  const moves = operation === 'move' || operation === 'copy';
  const from = moves ? attribute(step, 'from') : '';
  const value = moves || operation === 'remove' ? null : attribute(step, 'value');
  apply(document, operation, parsePath(pathValue), { from: parsePath(from), value });
}

const OPERATIONS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test']);

interface Operands {
  readonly from: readonly Value[];
  readonly value: Value;
}

function apply(document: Document, operation: string, path: readonly Value[], { from, value }: Operands): void {
  switch (operation) {
    case 'add':
      document.insert(path, value);
      return;
    case 'remove':
      document.remove(path);
      return;
    case 'replace':
      if (path.length > 0) document.remove(path);
      document.insert(path, value);
      return;
    case 'move': {
      const moved = document.valueAt(from);
      document.remove(from);
      document.insert(path, moved);
      return;
    }
    case 'copy':
      document.insert(path, document.valueAt(from));
      return;
    default: {
      const found = document.valueAt(path);
      if (equal(found, value)) return;
      const [expected, actual] = [regoText(value), regoText(found)];
      throw new BuiltinError(`value from EditTree != patch value.\n\nExpected: ${expected}\n\nFound: ${actual}`);
    }
  }
}

class Document {
  #root: EditTree;

  constructor(value: Value) {
    this.#root = editTree(value);
  }

  render(): Value {
    return this.#root.render();
  }

  valueAt(path: readonly Value[]): Value {
    return this.#unfold(path).render();
  }

  insert(path: readonly Value[], value: Value): void {
    const last = path.at(-1);
    if (last === undefined) this.#root = editTree(value);
    else this.#unfold(path.slice(0, -1)).insert(last, value);
  }

  remove(path: readonly Value[]): void {
    const last = path.at(-1);
    if (last === undefined) throw new BuiltinError('cannot remove the root of the document');
    this.#unfold(path.slice(0, -1)).remove(last);
  }

  #unfold(path: readonly Value[]): EditTree {
    return path.reduce((tree: EditTree, segment) => tree.child(segment), this.#root);
  }
}

function attribute(step: ObjectValue, name: string): Value {
  const value = objectGet(step, name);
  if (value === undefined) throw new BuiltinError(`missing required attribute '${name}'`);
  return value;
}
