/** `regex.*` with RE2's syntax and linear time, answering as Go's regexp. */
import { RE2JS } from 're2js';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { globsIntersect } from './glob-intersection.ts';
import { integerOperand, stringOperand } from './operand.ts';
import { quote } from './text.ts';
import { arrayOf, BOOLEAN, NUMBER, STRING } from './type.ts';

export const REGEX: readonly Builtin[] = [
  {
    name: 'regex.is_valid',
    args: [STRING],
    result: BOOLEAN,
    evaluate: (_, pattern) => typeof pattern === 'string' && isValid(pattern),
  },
  matcher('regex.match'),
  { ...matcher('re_match'), deprecated: true },
  {
    name: 'regex.split',
    args: [STRING, STRING],
    result: arrayOf(STRING),
    evaluate: (context, pattern, text) => {
      const [source, subject] = [stringOperand(pattern, 1), stringOperand(text, 2)];
      return split(compile(context, source), subject);
    },
  },
  {
    name: 'regex.find_n',
    args: [STRING, STRING, NUMBER],
    result: arrayOf(STRING),
    evaluate: (context, pattern, text, limit) =>
      findAll(context, [pattern, text, limit], (match) => groupText(match, 0)),
  },
  {
    name: 'regex.find_all_string_submatch_n',
    args: [STRING, STRING, NUMBER],
    result: arrayOf(arrayOf(STRING)),
    evaluate: (context, pattern, text, limit) => findAll(context, [pattern, text, limit], allGroups),
  },
  {
    name: 'regex.replace',
    args: [STRING, STRING, STRING],
    result: STRING,
    evaluate: (context, text, pattern, replacement) => {
      const [subject, source, template] = [
        stringOperand(text, 1),
        stringOperand(pattern, 2),
        stringOperand(replacement, 3),
      ];
      return replace(compile(context, source), subject, template);
    },
  },
  {
    name: 'regex.template_match',
    args: [STRING, STRING, STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, template, text, start, end) => {
      const [source, subject] = [stringOperand(template, 1), stringOperand(text, 2)];
      for (const [index, mark] of [start, end].entries()) stringOperand(mark, index + 3);
      // Of a wrong end OPA tells the length of the start.
      const delimiters = [delimiter(start, 3, 'start'), delimiter(end, 4, 'end', 1)] as const;
      const pattern = templatePattern(source, ...delimiters);
      return compile(context, pattern).test(subject);
    },
  },
  {
    name: 'regex.globs_match',
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, a, b) => globsIntersect(context, stringOperand(a, 1), stringOperand(b, 2)),
  },
];

/** Tells of the match that was found last. */
type Match = ReturnType<RE2JS['matcher']>;

function matcher(name: string): Builtin {
  return {
    name,
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, pattern, text) => {
      const [source, subject] = [stringOperand(pattern, 1), stringOperand(text, 2)];
      return compile(context, source).test(subject);
    },
  };
}

function compile(context: BuiltinContext, pattern: string): RE2JS {
  return context.patterns.get(`regex ${pattern}`, () => compilePattern(pattern));
}

/** @throws BuiltinError in Go's words: `error parsing regexp: <what>: `<where>`` */
function compilePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(withDistinctNames(pattern));
  } catch (error) {
    const message = error instanceof Error ? error.message : 'error parsing regexp';
    // Go quotes what is left after the backslash: nothing.
    throw new BuiltinError(message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message);
  }
}

/** Go lets a name stand for several groups; the later ones have numbers only here. */
function withDistinctNames(pattern: string): string {
  const seen = new Set<string>();
  return pattern.replace(/\\[^]|\(\?P?<(\w+)>/g, (written, name?: string) => {
    if (name === undefined || !seen.has(name)) {
      if (name !== undefined) seen.add(name);
      return written;
    }
    return '(';
  });
}

function isValid(pattern: string): boolean {
  try {
    RE2JS.compile(withDistinctNames(pattern));
    return true;
  } catch {
    return false;
  }
}

function findAll<T>(
  context: BuiltinContext,
  [pattern, text, limit]: readonly [pattern: Value, text: Value, limit: Value],
  read: (match: Match) => T,
): readonly T[] {
  const [source, subject, count] = [stringOperand(pattern, 1), stringOperand(text, 2), integerOperand(limit, 3)];
  const found: T[] = [];
  eachMatch(compile(context, source), subject, count < 0 ? Number.POSITIVE_INFINITY : count, (match) =>
    found.push(read(match)),
  );
  return found;
}

function groupText(match: Match, index: number): string {
  return match.group(index) ?? '';
}

function allGroups(match: Match): readonly string[] {
  const groups: string[] = [];
  for (let index = 0; index <= match.groupCount(); index += 1) groups.push(groupText(match, index));
  return groups;
}

/** Visits successive matches; an empty one right after the previous match does not count. */
function eachMatch(pattern: RE2JS, text: string, limit: number, visit: (match: Match) => void): void {
  const match = pattern.matcher(text);
  let [visited, previousEnd] = [0, -1];
  for (let at = 0; at <= text.length && visited < limit && match.find(at); ) {
    const [start, end] = [match.start(), match.end()];
    if (start !== end || start !== previousEnd) {
      visit(match);
      visited += 1;
      previousEnd = end;
    }
    at = end > start ? end : end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
  }
}

/** As Go: an empty match at the beginning does not split, one at the end leaves no empty part. */
function split(pattern: RE2JS, text: string): readonly string[] {
  if (pattern.pattern() !== '' && text === '') return [''];
  const parts: string[] = [];
  let [from, last] = [0, 0];
  eachMatch(pattern, text, Number.POSITIVE_INFINITY, (match) => {
    last = match.start();
    if (match.end() !== 0) parts.push(text.slice(from, last));
    from = match.end();
  });
  return last === text.length ? parts : [...parts, text.slice(from)];
}

function replace(pattern: RE2JS, text: string, template: string): string {
  const pieces = templatePieces(template, pattern);
  let [result, from] = ['', 0];
  eachMatch(pattern, text, Number.POSITIVE_INFINITY, (match) => {
    result += text.slice(from, match.start());
    for (const piece of pieces) result += typeof piece === 'string' ? piece : groupText(match, piece);
    from = match.end();
  });
  return result + text.slice(from);
}

/** A replacement as texts and numbers of groups: `$1`, `$name`, `${name}` and `$$`; an unknown group is empty. */
function templatePieces(template: string, pattern: RE2JS): readonly (string | number)[] {
  const names = pattern.namedGroups();
  const pieces: (string | number)[] = [];
  let from = 0;
  for (const { 0: written, 1: dollar, 2: bare, 3: braced, index } of template.matchAll(
    /\$(?:(\$)|([\p{L}\p{N}_]+)|\{([\p{L}\p{N}_]+)\})/gu,
  )) {
    pieces.push(template.slice(from, index));
    from = index + written.length;
    const name = bare ?? braced ?? '';
    const group = /^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : Object.hasOwn(names, name) ? names[name] : undefined;
    if (dollar !== undefined) pieces.push('$');
    else if (group !== undefined && group <= pattern.groupCount()) pieces.push(group);
  }
  return [...pieces, template.slice(from)].filter((piece) => piece !== '');
}

function delimiter(value: Value, position: number, which: 'start' | 'end', told?: number): string {
  const text = stringOperand(value, position);
  const { length } = toBytes(text);
  if (length !== 1) {
    throw new BuiltinError(`${which} delimiter has to be exactly one character long but is ${told ?? length} long`);
  }
  return text;
}

/** `urn:<.*>:x` with its delimiters becomes one anchored expression; what is outside them is literal. */
function templatePattern(template: string, start: string, end: string): string {
  const unbalanced = new BuiltinError(`unbalanced braces in ${quote(template)}`);
  let pattern = '^';
  let level = 0;
  let from = 0;
  for (let at = 0; at < template.length; at += 1) {
    const char = template.charAt(at);
    if (char === start) {
      level += 1;
      if (level === 1) {
        pattern += RE2JS.quote(template.slice(from, at));
        from = at + 1;
      }
    } else if (char === end) {
      level -= 1;
      if (level < 0) throw unbalanced;
      if (level === 0) {
        // Each expression must be one of its own.
        compilePattern(`^${template.slice(from, at)}$`);
        pattern += `(${template.slice(from, at)})`;
        from = at + 1;
      }
    }
  }
  if (level !== 0) throw unbalanced;
  return `${pattern}${RE2JS.quote(template.slice(from))}$`;
}
