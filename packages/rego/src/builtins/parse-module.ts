/** `rego.parse_module`: policy text to the JSON of its syntax tree. */
import { type Diagnostic, formatDiagnostic } from '../syntax/diagnostic.ts';
import { moduleJson } from '../syntax/module-json.ts';
import { parseModule } from '../syntax/parse-module.ts';
import { type Builtin, BuiltinError } from './builtin.ts';
import { stringOperand } from './operand.ts';
import { ANY, objectOf, STRING } from './type.ts';

export const PARSE_MODULE: readonly Builtin[] = [
  {
    name: 'rego.parse_module',
    args: [STRING, STRING],
    result: objectOf(STRING, ANY),
    evaluate(context, name, text) {
      const source = stringOperand(text, 2);
      context.spend(source.length);
      const parsed = parseModule(stringOperand(name, 1), source, 'v1');
      if (parsed.ok) return moduleJson(parsed.value);
      throw new BuiltinError(failure(parsed.diagnostics.map((each) => shown(each, source))));
    },
  },
];

function failure(errors: readonly string[]): string {
  const [only = '', second] = errors;
  return second === undefined ? `1 error occurred: ${only}` : `${errors.length} errors occurred:\n${errors.join('\n')}`;
}

/** A diagnostic with the line that it is about, and a mark below. */
function shown(diagnostic: Diagnostic, source: string): string {
  const { row, col } = diagnostic.location;
  const line = source.split('\n')[row - 1] ?? '';
  return `${formatDiagnostic(diagnostic)}\n\t${line}\n\t${' '.repeat(Math.max(col - 1, 0))}^`;
}
