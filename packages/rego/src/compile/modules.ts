/** Pass: imports do not hide each other, every one is used under `strict`, and the documents keep their names. */
import { regoText } from '../builtins/text.ts';
import { type Import, keyName, type Module } from '../syntax/ast.ts';
import { type Compilation, remark } from './context.ts';

export function checkModules(c: Compilation): void {
  for (const module of c.modules) {
    if (!c.strict && !module.v1) continue;
    checkShadowing(c, module);
    for (const { head, location } of module.rules) {
      const name = head.ref.head.kind === 'var' ? head.ref.head.name : '';
      if (name === 'data' || name === 'input') {
        remark(c, `rules must not shadow ${name} (use a different rule name)`, location);
      }
    }
  }
}

function checkShadowing(c: Compilation, module: Module): void {
  const seen = new Map<string, Import>();
  for (const entry of module.imports) {
    const name = importedName(entry);
    const first = seen.get(name);
    if (first === undefined) seen.set(name, entry);
    else remark(c, `import must not shadow ${writtenImport(first)}`, entry.location);
  }
}

/** Imports of documents that no rule mentions, given the names that were looked up. */
export function checkUnusedImports(c: Compilation, module: Module, used: ReadonlySet<string>): void {
  if (!c.strict) return;
  for (const entry of module.imports) {
    const root = rootName(entry);
    if ((root === 'data' || root === 'input') && !used.has(importedName(entry))) {
      remark(c, `${writtenImport(entry)} unused`, entry.location);
    }
  }
}

function rootName({ path }: Import): string {
  return path.head.kind === 'var' ? path.head.name : '';
}

function importedName(entry: Import): string {
  const last = entry.path.path.at(-1);
  return entry.alias ?? (last === undefined ? rootName(entry) : keyName(last));
}

function writtenImport(entry: Import): string {
  const parts = entry.path.path.map((part) => {
    const name = keyName(part);
    return isKeyword(name) || !/^[A-Za-z_]\w*$/.test(name) ? `[${regoText(name)}]` : `.${name}`;
  });
  return `import ${rootName(entry)}${parts.join('')}${entry.alias === undefined ? '' : ` as ${entry.alias}`}`;
}

/** Names that OPA writes in brackets. */
function isKeyword(name: string): boolean {
  return ['as', 'default', 'else', 'false', 'import', 'in', 'not', 'null', 'package', 'some', 'true', 'with'].includes(
    name,
  );
}
