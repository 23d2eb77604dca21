/** Refs in messages: as the author wrote them, with imports and rule names in full. */
import { regoText } from '../../builtins/text.ts';
import { type Ref, refTerm, scalarTerm, type Term, varTerm } from '../../syntax/ast.ts';
import { type Compilation, writtenName } from '../context.ts';

/** A rule's name in full: `data.order.limits[role]`. */
export function writtenRule(c: Compilation, packagePath: readonly string[], { head, path, location }: Ref): string {
  const first = head.kind === 'var' ? head.name : '';
  const names = [...packagePath, first].map((name) => scalarTerm(name, location));
  return writtenRef(c, refTerm(varTerm('data', location), [...names, ...path], location));
}

/** The ref, or its head and the first `length` parts of its path. */
export function writtenRef(c: Compilation, { head, path }: Ref, length: number = path.length): string {
  const parts = path.slice(0, length).map((part) => {
    if (part.kind === 'scalar' && typeof part.value === 'string' && /^[A-Za-z_]\w*$/.test(part.value)) {
      return `.${part.value}`;
    }
    return `[${writtenTerm(c, part)}]`;
  });
  return writtenTerm(c, head) + parts.join('');
}

export function writtenTerm(c: Compilation, term: Term): string {
  switch (term.kind) {
    case 'scalar':
      return regoText(term.value);
    case 'var': {
      const literal = c.types?.literals.get(term.name);
      if (literal !== undefined && isLiteral(literal)) return writtenTerm(c, literal);
      return writtenName(c, term.name).replace(/^#(\d+)$/, '__local$1__');
    }
    case 'ref':
      return writtenRef(c, term);
    case 'array':
      return `[${term.items.map((item) => writtenTerm(c, item)).join(', ')}]`;
    case 'set':
      return term.items.length === 0 ? 'set()' : `{${term.items.map((item) => writtenTerm(c, item)).join(', ')}}`;
    case 'object':
      return `{${term.entries.map(([key, value]) => `${writtenTerm(c, key)}: ${writtenTerm(c, value)}`).join(', ')}}`;
    case 'call':
      return `${writtenRef(c, term.operator)}(${term.args.map((arg) => writtenTerm(c, arg)).join(', ')})`;
    default:
      return term.location.text;
  }
}

function isLiteral({ kind }: Term): boolean {
  return kind === 'array' || kind === 'object' || kind === 'set' || kind === 'comprehension' || kind === 'call';
}
