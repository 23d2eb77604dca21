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
      findAll(context, pattern, text, limit).map(({ groups }) => groups[0] ?? ''),
  },
  {
    name: 'regex.find_all_string_submatch_n',
    args: [STRING, STRING, NUMBER],
    result: arrayOf(arrayOf(STRING)),
    evaluate: (context, pattern, text, limit) =>
      findAll(context, pattern, text, limit).map(({ groups }) => groups.map((group) => group ?? '')),
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

interface Match {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

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

function findAll(context: BuiltinContext, pattern: Value, text: Value, limit: Value): readonly Match[] {
  const [source, subject, count] = [stringOperand(pattern, 1), stringOperand(text, 2), integerOperand(limit, 3)];
  return matches(compile(context, source), subject, count < 0 ? Number.POSITIVE_INFINITY : count);
}

/** Successive matches; an empty one right after the previous match does not count. */
function matches(pattern: RE2JS, text: string, limit: number): readonly Match[] {
  const found: Match[] = [];
  const state = pattern.matcher(text);
  let previousEnd = -1;
  for (let at = 0; at <= text.length && found.length < limit && state.find(at); ) {
    const [start, end] = [state.start(), state.end()];
    if (start !== end || start !== previousEnd) {
      const groups = Array.from({ length: state.groupCount() + 1 }, (_, index) => state.group(index) ?? undefined);
      found.push({ start, end, groups });
      previousEnd = end;
    }
    at = end > start ? end : end + String.fromCodePoint(text.codePointAt(end) ?? 0).length;
  }
  return found;
}

/** As Go: an empty match at the beginning does not split, one at the end leaves no empty part. */
function split(pattern: RE2JS, text: string): readonly string[] {
  if (pattern.pattern() !== '' && text === '') return [''];
  const parts: string[] = [];
  let [from, last] = [0, 0];
  for (const { start, end } of matches(pattern, text, Number.POSITIVE_INFINITY)) {
    last = start;
    if (end !== 0) parts.push(text.slice(from, start));
    from = end;
  }
  return last === text.length ? parts : [...parts, text.slice(from)];
}

function replace(pattern: RE2JS, text: string, template: string): string {
  let result = '';
  let from = 0;
  for (const match of matches(pattern, text, Number.POSITIVE_INFINITY)) {
    result += text.slice(from, match.start) + expand(template, match, pattern.namedGroups());
    from = match.end;
  }
  return result + text.slice(from);
}

/** `$1`, `$name`, `${name}` and `$$`; an unknown group is empty. */
function expand(template: string, match: Match, names: Readonly<Record<string, number>>): string {
  return template.replace(
    /\$(?:(\$)|([\p{L}\p{N}_]+)|\{([\p{L}\p{N}_]+)\})/gu,
    (_, dollar?: string, bare?: string, braced?: string) => {
      if (dollar !== undefined) return '$';
      const name = bare ?? braced ?? '';
      const index = /^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : Object.hasOwn(names, name) ? names[name] : undefined;
      return (index === undefined ? undefined : match.groups[index]) ?? '';
    },
  );
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
