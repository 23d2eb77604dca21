/** Answers to a query, as `opa eval` writes them: for people, for programs and for scripts. */
import { type QueryResult, toNative, toPlainJson, type Value } from '@sidegate/rego';

export const FORMATS = ['pretty', 'json', 'raw'] as const;
export type Format = (typeof FORMATS)[number];

/** Wider cells would not be read in a table. */
const MAX_CELL = 80;

export function formatResults(results: readonly QueryResult[], format: Format): string {
  const write = { pretty, json, raw }[format];
  return write(results);
}

function json(results: readonly QueryResult[]): string {
  const result = results.map(({ expressions, bindings }) => ({
    expressions: expressions.map(({ value, text, row, col }) => ({
      value: toNative(value),
      text,
      location: { row, col },
    })),
    ...(Object.keys(bindings).length === 0 ? {} : { bindings: native(bindings) }),
  }));
  return `${JSON.stringify(results.length === 0 ? {} : { result }, undefined, 2)}\n`;
}

/** A line for each solution: texts without quotes. */
function raw(results: readonly QueryResult[]): string {
  const line = ({ expressions }: QueryResult): string =>
    expressions.map(({ value }) => (typeof value === 'string' ? value : toPlainJson(value))).join(' ');
  return results.map((result) => `${line(result)}\n`).join('');
}

function pretty(results: readonly QueryResult[]): string {
  const [first, second] = results;
  if (first === undefined) return 'undefined\n';
  const [only, other] = first.expressions;
  const isValue = second === undefined && other === undefined && Object.keys(first.bindings).length === 0;
  if (isValue && only !== undefined) return `${JSON.stringify(toNative(only.value), undefined, 2)}\n`;
  return table(results);
}

/** Columns: literals that have a value of their own, then variables. */
function table(results: readonly QueryResult[]): string {
  const [first] = results;
  const literals = (first?.expressions ?? []).flatMap(({ text }, index) =>
    results.some(({ expressions }) => expressions[index]?.value !== true) ? [{ text, index }] : [],
  );
  const names = Object.keys(first?.bindings ?? {}).toSorted();
  const heads = [...literals.map(({ text }) => text.replaceAll(/\s+/g, ' ')), ...names].map(cell);
  const rows = results.map(({ expressions, bindings }) =>
    [...literals.map(({ index }) => expressions[index]?.value), ...names.map((name) => bindings[name])].map(shown),
  );
  if (heads.length === 0) return `true\n`;
  const widths = heads.map((head, column) => Math.max(...[head, ...rows.map((row) => row[column] ?? '')].map(width)));
  const line = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((each) => '─'.repeat(each + 2)).join(middle)}${right}`;
  const written = (cells: readonly string[]): string =>
    `│ ${cells.map((each, column) => each + ' '.repeat((widths[column] ?? 0) - width(each))).join(' │ ')} │`;
  return `${[line('┌', '┬', '┐'), written(heads), line('├', '┼', '┤'), ...rows.map(written), line('└', '┴', '┘')].join('\n')}\n`;
}

function shown(value: Value | undefined): string {
  return value === undefined ? '' : cell(toPlainJson(value));
}

function cell(text: string): string {
  const characters = Array.from(text);
  return characters.length <= MAX_CELL ? text : `${characters.slice(0, MAX_CELL - 1).join('')}…`;
}

function width(text: string): number {
  return Array.from(text).length;
}

function native(bindings: QueryResult['bindings']): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(bindings).map(([name, value]) => [name, toNative(value)]));
}
