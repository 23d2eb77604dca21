/** `print`, `trace`, `opa.runtime` and the internal forms that the compiler writes. */
import { RegoSet } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { arrayOperand, stringOperand } from './operand.ts';
import { regoText } from './text.ts';
import { ANY, arrayOf, BOOLEAN, objectOf, STRING, setOf } from './type.ts';

export const PRINTING: readonly Builtin[] = [
  // The compiler rewrites each call to internal.print.
  { name: 'print', args: [], variadic: ANY, evaluate: () => true },
  {
    name: 'internal.print',
    args: [arrayOf(setOf(ANY))],
    evaluate: (context, operands) => {
      for (const line of printed(arrayOperand(operands, 1))) context.print?.(line);
      return true;
    },
  },
  {
    name: 'opa.runtime',
    args: [],
    result: objectOf(STRING, ANY),
    nondeterministic: true,
    evaluate: (context) => context.runtime,
  },
  {
    name: 'trace',
    args: [STRING],
    result: BOOLEAN,
    evaluate: (_, note) => {
      stringOperand(note, 1);
      return true;
    },
  },
  { name: 'internal.test_case', args: [arrayOf(ANY)], evaluate: () => true },
  {
    name: 'internal.template_string',
    args: [arrayOf(ANY)],
    result: STRING,
    evaluate: (_, parts) => arrayOperand(parts, 1).map(templatePart).join(''),
  },
];

/** One line for every combination of the operands' values; an operand without a value shows as undefined. */
function printed(operands: readonly Value[]): readonly string[] {
  let lines: readonly string[][] = [[]];
  for (const operand of operands) {
    const texts = operand instanceof RegoSet && operand.size > 0 ? operand.sorted().map(bare) : ['<undefined>'];
    lines = lines.flatMap((line) => texts.map((text) => [...line, text]));
  }
  return lines.map((line) => line.join(' '));
}

function templatePart(part: Value): string {
  if (!(part instanceof RegoSet)) return bare(part);
  const [value] = part.sorted();
  return value === undefined ? '<undefined>' : bare(value);
}

/** Strings without quotes. */
function bare(value: Value): string {
  return typeof value === 'string' ? value : regoText(value);
}
