/** `rego.parse_module`: policy text to the JSON of its syntax tree. */
import type { Diagnostic } from '../syntax/diagnostic.ts';
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
      const file = stringOperand(name, 1);
      // Both operands are the first one to OPA.
      const source = stringOperand(text, 1);
      context.spend(source.length);
      const parsed = parseModule(file, source, 'v1');
      if (parsed.ok) return moduleJson(parsed.value);
      const [first] = parsed.diagnostics;
      if (first?.message === 'empty module') {
        throw new BuiltinError(`${file === '' ? '0:0' : `${file}:0`}: ${first.code}: ${first.message}`);
      }
      throw new BuiltinError(failure(parsed.diagnostics.map((each) => shown(each, source))));
    },
  },
];

function failure(errors: readonly string[]): string {
  const [only = '', second] = errors;
  return second === undefined ? `1 error occurred: ${only}` : `${errors.length} errors occurred:\n${errors.join('\n')}`;
}

/** A diagnostic and, where the text itself is wrong, the line and a mark below it. */
function shown({ code, message, location, isStatement }: Diagnostic, source: string): string {
  const { file, row, col, offset } = location;
  const text = `${file === '' ? `${row}:${col}` : `${file}:${row}`}: ${code}: ${message}`;
  if (isStatement === true) return text;
  // The mark stands below what was read last.
  const last = Math.max(source.slice(0, offset + 1).trimEnd().length - 1, 0);
  const begin = source.lastIndexOf('\n', last) + 1;
  const end = source.indexOf('\n', last);
  const line = source.slice(begin, end < 0 ? source.length : end);
  return `${text}\n\t${line}\n\t${' '.repeat(last - begin)}^`;
}
