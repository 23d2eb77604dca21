/** Explanations in plain words, for a terminal. */
import type { Location } from '../syntax/location.ts';
import { toJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import { editText } from './change.ts';
import type { Explanation } from './explain.ts';
import type { DocumentTrace, LiteralTrace, RuleTrace, SeenValue } from './trace.ts';

const MAX_VALUE = 120;
const MAX_DEPTH = 12;

export function formatExplanation({ query, input, value, error, documents, truncated, change }: Explanation): string {
  const answer = error === undefined ? `is ${shown(value)}` : `has no answer: ${error.message}`;
  const tried = documents.flatMap((document) => {
    const lines = documentLines(document, 0);
    return document.name === query ? lines.slice(1) : lines;
  });
  const lines = [`${query} ${answer}`, '', ...tried];
  if (truncated) lines.push('(more was tried than is shown)');
  if (change !== undefined) {
    lines.push('', `It would be ${shown(change.value)} after this change of the input:`);
    for (const edit of change.edits) lines.push(`  ${editText(edit, input)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What was tried for one document, line by line. */
export function formatTrace(document: DocumentTrace): readonly string[] {
  return documentLines(document, 0).slice(1);
}

/** The literals that did not hold for something, of rules that hold for something else. */
export function formatMisses({ rules }: DocumentTrace): readonly string[] {
  const missed = rules.flatMap(({ literals }) => literals.filter(({ held, misses }) => held && misses.length > 0));
  return missed.flatMap(({ location, misses }) => [
    indented(1, `${place(location)} fails: ${oneLine(location.text)}`),
    ...misses.map((sample) => indented(3, sample.map(seen).join(', '))),
  ]);
}

function documentLines(document: DocumentTrace, depth: number): string[] {
  const { name, args, known, value, rules } = document;
  const call = args === undefined ? name : `${name}(${args.map(shown).join(', ')})`;
  const title = indented(depth, `${call} is ${shown(value)}${known ? ', as found before' : ''}`);
  if (known || depth > MAX_DEPTH) return [title];
  const decisive = rules.some(({ held, isDefault }) => held && !isDefault) ? rules.filter(isDecisive) : rules;
  const none = rules.length === 0 ? [indented(depth + 1, 'no rule was tried')] : [];
  return [title, ...none, ...decisive.flatMap((rule) => ruleLines(rule, depth + 1))];
}

/** A rule that holds, and those of its chain that had to fail before it. */
function isDecisive({ held }: RuleTrace, index: number, rules: readonly RuleTrace[]): boolean {
  if (held) return true;
  const next = rules[index + 1];
  return next?.isElse === true && isDecisive(next, index + 1, rules);
}

function ruleLines({ location, isDefault, isElse, held, literals }: RuleTrace, depth: number): string[] {
  if (isDefault) return [indented(depth, `${place(location)} the default applies`)];
  const title = indented(
    depth,
    `${place(location)} ${isElse ? 'else, ' : ''}this rule ${held ? 'holds' : 'does not hold'}`,
  );
  const own = literals.filter(({ isHead, failures }) => !isHead || (!held && failures > 0));
  const head = literals.filter(({ isHead }) => isHead && held).flatMap(({ documents }) => notable(documents));
  return [
    title,
    ...own.flatMap((literal) => literalLines(literal, depth + 1, held)),
    ...head.flatMap((document) => documentLines(document, depth + 1)),
  ];
}

/** What makes an object say no is more interesting than the rest of it. */
function notable(documents: readonly DocumentTrace[]): readonly DocumentTrace[] {
  const refusals = documents.filter(({ value }) => !isTrue(value));
  return refusals.length > 0 ? refusals : documents;
}

function literalLines(literal: LiteralTrace, depth: number, inHeldRule: boolean): string[] {
  const { location, held, samples, documents, inner } = literal;
  const lines = [indented(depth, `${place(location)} ${held ? 'holds:' : 'fails:'} ${oneLine(location.text)}`)];
  if (held && !inHeldRule) return lines;
  const asked = held ? documents : documents.filter(({ value }) => literal.negated === isTrue(value));
  for (const sample of samples) {
    const values = sample.filter(({ name }) => !asked.some((document) => isShownAs(document, name)));
    if (values.length > 0) lines.push(indented(depth + 2, values.map(seen).join(', ')));
  }
  if (!held && samples.every((sample) => sample.length === 0) && documents.length === 0) {
    lines.push(indented(depth + 2, 'nothing that it could be true for'));
  }
  if (!held) for (const each of inner) lines.push(...literalLines(each, depth + 1, inHeldRule));
  return [...lines, ...asked.flatMap((document) => documentLines(document, depth + 2))];
}

/** A document says its value itself. */
function isShownAs(document: DocumentTrace, name: string): boolean {
  return document.name === name || document.name.endsWith(`.${name}`);
}

function isTrue(value: Value | undefined): boolean {
  return value !== undefined && value !== false;
}

function seen({ name, value }: SeenValue): string {
  return `${name} is ${shown(value)}`;
}

function shown(value: Value | undefined): string {
  if (value === undefined) return 'undefined';
  const text = toJson(value);
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;
}

function place({ file, row, col }: Location): string {
  return `${file}:${row}:${col}`;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= MAX_VALUE ? line : `${line.slice(0, MAX_VALUE)}…`;
}

function indented(depth: number, text: string): string {
  return `${'  '.repeat(depth)}${text}`;
}
