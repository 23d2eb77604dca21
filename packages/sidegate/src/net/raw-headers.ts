/**
 * Header fields as they came off the wire: `[name, value, name, value, …]`, Node's `rawHeaders` shape.
 * Nothing is merged or dropped on the way, so a duplicate stays visible to whoever has to refuse it.
 */

export type RawHeaders = readonly string[];

/** Every value of a field; `lowerName` in lower case. */
export function headerValues(headers: RawHeaders, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(headers[i + 1] ?? '');
  }
  return values;
}

/** The members of a comma-separated list field, over all its lines, trimmed, in lower case. */
export function headerTokens(headers: RawHeaders, lowerName: string): string[] {
  return headerValues(headers, lowerName)
    .flatMap((value) => value.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');
}
