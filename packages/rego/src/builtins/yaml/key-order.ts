/** Members in the order in which Go's yaml writes keys: numbers within them by their value, letters after everything else. */
export function inKeyOrder<T>(
  members: readonly (readonly [key: string, value: T])[],
): readonly (readonly [string, T])[] {
  return members
    .map((member) => ({ member, runes: Array.from(member[0]) }))
    .sort((a, b) => (a.member[0] === b.member[0] ? 0 : isLess(a.runes, b.runes) ? -1 : 1))
    .map(({ member }) => member);
}

function isLess(a: readonly string[], b: readonly string[]): boolean {
  let afterDigit = false;
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const [left = '', right = ''] = [a[at], b[at]];
    if (left === right) {
      afterDigit = isDigit(left);
      continue;
    }
    const [isLetterLeft, isLetterRight] = [isLetter(left), isLetter(right)];
    if (isLetterLeft && isLetterRight) return isBefore(left, right);
    if (isLetterLeft || isLetterRight) return afterDigit ? isLetterLeft : isLetterRight;
    return isNumberLess(a, b, at);
  }
  return a.length < b.length;
}

/** Fewer digits than this, with one before them, are exact in a double. */
const SAFE_DIGITS = 15;

function isNumberLess(a: readonly string[], b: readonly string[], at: number): boolean {
  if (!isDigit(a[at] ?? '') && !isDigit(b[at] ?? '')) return isBefore(a[at] ?? '', b[at] ?? '');
  const lead = a[at] === '0' || b[at] === '0' ? leadBefore(a, at) : '';
  const [left, right] = [digitsFrom(a, at), digitsFrom(b, at)];
  const toValue = left.length < SAFE_DIGITS && right.length < SAFE_DIGITS ? Number : BigInt;
  const [leftValue, rightValue] = [toValue(lead + left), toValue(lead + right)];
  if (leftValue !== rightValue) return leftValue < rightValue;
  if (left.length !== right.length) return left.length < right.length;
  return isBefore(a[at] ?? '', b[at] ?? '');
}

/** A zero counts as a digit of the number before it, unless that is only zeros. */
function leadBefore(runes: readonly string[], at: number): string {
  for (let before = at - 1; before >= 0 && isDigit(runes[before] ?? ''); before -= 1) {
    if (runes[before] !== '0') return '1';
  }
  return '';
}

function digitsFrom(runes: readonly string[], at: number): string {
  let digits = '';
  for (let next = at; isDigit(runes[next] ?? ''); next += 1) digits += runes[next];
  return digits;
}

function isBefore(a: string, b: string): boolean {
  return (a.codePointAt(0) ?? 0) < (b.codePointAt(0) ?? 0);
}

function isDigit(rune: string): boolean {
  return rune >= '0' && rune <= '9';
}

function isLetter(rune: string): boolean {
  if (rune < '\u0080') return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
  return /^\p{L}$/u.test(rune);
}
