/** What a message calls the value of a term. */
import { scalarName, type Term } from './ast.ts';

export function valueName(term: Term): string {
  switch (term.kind) {
    case 'scalar':
      return scalarName(term.value);
    case 'comprehension':
      return `${term.of}comprehension`;
    default:
      return term.kind;
  }
}
