/** Small damage to a policy: what an author's slip looks like, so that refusals are compared too. */
import type { SeededRandom } from '../fuzz/seeded-random.ts';

const TOKEN = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\w+|:=|[=!<>]=|\s+|[^\s\w]/g;

const INSERTED = [
  '"a"',
  'x',
  'x',
  'not ',
  'some ',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ':=',
  '==',
  '=',
  '|',
  ';',
  ',',
  '.',
  'if ',
  'contains ',
  'else ',
  'every ',
  'in ',
  'default ',
  'with ',
  'as ',
  '1',
  'input.a',
  'data.p.r4',
  'r4',
  'g',
  'nowhere(1)',
  'count()',
  '\n',
] as const;

/** The text with one token removed, repeated, exchanged or inserted. */
export function damaged(random: SeededRandom, text: string): string {
  const tokens = text.match(TOKEN) ?? [];
  const at = random.below(tokens.length);
  const one = tokens[at] ?? '';
  const put = (...replacement: readonly string[]): string => tokens.toSpliced(at, 1, ...replacement).join('');
  switch (random.below(4)) {
    case 0:
      return put();
    case 1:
      return put(one, one);
    case 2:
      return put(random.pick(tokens));
    default:
      return put(random.pick(INSERTED), one);
  }
}
