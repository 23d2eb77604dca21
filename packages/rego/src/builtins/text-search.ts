/** Where one text stands in another, in linear time: the platform's search is quadratic for long texts that repeat. */

/** Longer texts are looked for by Knuth, Morris and Pratt's method. */
const SHORT = 64;

export function isPart(text: string, part: string): boolean {
  return part.length > SHORT ? positionsOf(text, part).length > 0 : text.includes(part);
}

/** Every place, in units of UTF-16, that `part` begins at. @param step how far behind a place the next may be */
export function positionsOf(text: string, part: string, step = part.length): readonly number[] {
  const found: number[] = [];
  if (part.length > SHORT) return longPositions(text, part, step);
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + step)) found.push(at);
  return found;
}

/** As `String.split`, for a separator that is not empty. */
export function splitText(text: string, separator: string): readonly string[] {
  if (separator.length <= SHORT) return text.split(separator);
  const parts: string[] = [];
  let from = 0;
  for (const at of positionsOf(text, separator)) {
    parts.push(text.slice(from, at));
    from = at + separator.length;
  }
  return [...parts, text.slice(from)];
}

function longPositions(text: string, part: string, step: number): readonly number[] {
  const found: number[] = [];
  const border = borders(part);
  let matched = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    while (matched > 0 && unit !== part.charCodeAt(matched)) matched = border[matched - 1] ?? 0;
    if (unit === part.charCodeAt(matched)) matched += 1;
    if (matched < part.length) continue;
    const start = at + 1 - part.length;
    if (found.length === 0 || start >= (found.at(-1) ?? 0) + step) found.push(start);
    matched = border[matched - 1] ?? 0;
  }
  return found;
}

/** For each start of the text, how long a part of it both begins and ends it. */
function borders(text: string): Int32Array {
  const lengths = new Int32Array(text.length);
  for (let at = 1, length = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    while (length > 0 && unit !== text.charCodeAt(length)) length = lengths[length - 1] ?? 0;
    if (unit === text.charCodeAt(length)) length += 1;
    lengths[at] = length;
  }
  return lengths;
}
