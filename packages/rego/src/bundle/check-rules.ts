/** No document of a bundle is both calculated and given: readers of the policy could not tell which one counts. */
import type { Module, Rule } from '../syntax/ast.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';

/** Rules whose document, or one above it, has a value in the data; each document once. */
export function checkRules(modules: readonly Module[], data: ObjectValue): BundleDiagnostic[] {
  const conflicts = new Map<string, BundleDiagnostic>();
  for (const module of modules) {
    for (const rule of module.rules) {
      const path = [...module.package.path, ...constantPath(rule)];
      const name = path.join('/');
      if (conflicts.has(name) || !hasValue(data, path)) continue;
      conflicts.set(name, {
        file: module.file,
        line: rule.location.row,
        column: rule.location.col,
        message: `conflicting rule for data path ${name} found`,
        hint: 'remove the rule or the data',
      });
    }
  }
  return [...conflicts.values()];
}

/** The rule's name as far as it is constant: `p.q` of `p.q[x].r`. */
function constantPath({ head: { ref } }: Rule): string[] {
  const names = ref.head.kind === 'var' ? [ref.head.name] : [];
  for (const part of ref.path) {
    if (part.kind !== 'scalar' || typeof part.value !== 'string') break;
    names.push(part.value);
  }
  return names;
}

function hasValue(data: Value, path: readonly string[]): boolean {
  let value: Value | undefined = data;
  for (const name of path) {
    // Something else than an object stands where the rule's document would be.
    if (!isObject(value)) return value !== undefined;
    value = objectGet(value, name);
  }
  return value !== undefined;
}
