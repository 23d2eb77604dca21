/** Why a text is no IP address, in the words of Go's net/netip; a zone may follow an IPv6 address. */
import { quote } from './text.ts';

/** @returns undefined when it is one */
export function ipFailure(text: string): string | undefined {
  const failure = failureOf(text);
  if (failure === undefined) return undefined;
  const at = failure.at === undefined || failure.at === '' ? '' : ` (at ${quote(failure.at)})`;
  return `ParseAddr(${quote(text)}): ${failure.why}${at}`;
}

interface Failure {
  readonly why: string;
  /** What had not been read yet. */
  readonly at?: string;
}

function failureOf(text: string): Failure | undefined {
  const [separator] = /[.:%]/.exec(text) ?? [];
  if (separator === '.') return v4Failure(text);
  if (separator === ':') return v6Failure(text);
  return { why: separator === '%' ? 'missing IPv6 address' : 'unable to parse IP' };
}

function v4Failure(text: string): Failure | undefined {
  let [value, digits, points] = [0, 0, 0];
  for (const [index, char] of Array.from(text).entries()) {
    if (/\d/.test(char)) {
      if (digits === 1 && value === 0) return { why: 'IPv4 field has octet with leading zero' };
      value = value * 10 + Number(char);
      digits += 1;
      if (value > 255) return { why: 'IPv4 field has value >255' };
    } else if (char === '.') {
      const isEmpty = index === 0 || index === text.length - 1 || text.charAt(index - 1) === '.';
      if (isEmpty) return { why: 'IPv4 field must have at least one digit', at: text.slice(index) };
      if (points === 3) return { why: 'IPv4 address too long' };
      points += 1;
      [value, digits] = [0, 0];
    } else return { why: 'unexpected character', at: text.slice(index) };
  }
  return points < 3 ? { why: 'IPv4 address too short' } : undefined;
}

const FIELDS = 8;

function v6Failure(text: string): Failure | undefined {
  const percent = text.indexOf('%');
  if (percent === text.length - 1) return { why: 'zone must be a non-empty string' };
  let rest = percent < 0 ? text : text.slice(0, percent);
  let [fields, gap] = [0, rest.startsWith('::')];
  if (gap) rest = rest.slice(2);
  if (gap && rest === '') return undefined;
  while (fields < FIELDS) {
    const digits = /^[\da-f]*/i.exec(rest)?.[0] ?? '';
    if (digits.length > 4) return { why: 'each group must have 4 or less digits', at: rest };
    if (digits === '') return { why: 'each colon-separated field must have at least one digit', at: rest };
    if (rest.charAt(digits.length) === '.') {
      if (!gap && fields !== FIELDS - 2) {
        return { why: 'embedded IPv4 address must replace the final 2 fields of the address', at: rest };
      }
      if (fields > FIELDS - 2) {
        return { why: 'too many hex fields to fit an embedded IPv4 at the end of the address', at: rest };
      }
      const failure = v4Failure(rest);
      if (failure !== undefined) return failure;
      [rest, fields] = ['', fields + 2];
      break;
    }
    fields += 1;
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (!rest.startsWith(':')) return { why: 'unexpected character, want colon', at: rest };
    if (rest === ':') return { why: 'colon must be followed by more characters', at: rest };
    rest = rest.slice(1);
    if (!rest.startsWith(':')) continue;
    if (gap) return { why: 'multiple :: in address', at: rest };
    gap = true;
    rest = rest.slice(1);
    if (rest === '') break;
  }
  if (rest !== '') return { why: 'trailing garbage after address', at: rest };
  if (fields < FIELDS) return gap ? undefined : { why: 'address string too short' };
  return gap ? { why: 'the :: must expand to at least one field of zeros' } : undefined;
}
