/** The order in which Go's yaml writes keys: numbers within them by their value, letters after everything else. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return isLess(Array.from(a), Array.from(b)) ? -1 : 1;
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

function isNumberLess(a: readonly string[], b: readonly string[], at: number): boolean {
  const lead = a[at] === '0' || b[at] === '0' ? leadBefore(a, at) : '';
  const [left, right] = [digitsFrom(a, at), digitsFrom(b, at)];
  const [leftValue, rightValue] = [BigInt(lead + left), BigInt(lead + right)];
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
  let end = at;
  while (end < runes.length && isDigit(runes[end] ?? '')) end += 1;
  return runes.slice(at, end).join('');
}

function isBefore(a: string, b: string): boolean {
  return (a.codePointAt(0) ?? 0) < (b.codePointAt(0) ?? 0);
}

function isDigit(rune: string): boolean {
  return rune >= '0' && rune <= '9';
}

function isLetter(rune: string): boolean {
  return /^\p{L}$/u.test(rune);
}
