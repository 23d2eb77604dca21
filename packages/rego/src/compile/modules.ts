/** Pass: imports do not hide each other or rules; names of the documents stay what they are. */
import { type Import, keyName } from '../syntax/ast.ts';
import { type Compilation, report } from './context.ts';

export function checkModules(c: Compilation): void {
  for (const module of c.modules) {
    if (!module.v1) continue;
    const seen = new Set<string>();
    for (const entry of module.imports) {
      const name = importedName(entry);
      if (name === undefined) continue;
      if (seen.has(name))
        report(c, 'rego_compile_error', `import must not shadow import ${entry.path.location.text}`, entry.location);
      seen.add(name);
    }
    for (const { head, location } of module.rules) {
      const name = head.ref.head.kind === 'var' ? head.ref.head.name : '';
      if (name === 'data' || name === 'input') {
        report(c, 'rego_compile_error', `rules must not shadow ${name} (use a different rule name)`, location);
      }
    }
  }
}

function importedName({ path, alias }: Import): string | undefined {
  const root = path.head.kind === 'var' ? path.head.name : '';
  if (root !== 'data' && root !== 'input') return undefined;
  const last = path.path.at(-1);
  return alias ?? (last === undefined ? root : keyName(last));
}
