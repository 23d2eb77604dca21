/** Header fields as a parser would have read them. */
import { Fields } from '../../packages/sidegate/src/net/fields.ts';
import type { RequestHead } from '../../packages/sidegate/src/net/request-head.ts';

/** @param pairs names and values alternating */
export function fieldsOf(pairs: readonly string[]): Fields {
  const fields = new Fields();
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] ?? '';
    fields.add(name, name.toLowerCase(), pairs[i + 1] ?? '');
  }
  return fields;
}

export function requestHead(
  parts: Partial<Omit<RequestHead, 'fields'>> & { readonly pairs?: readonly string[] },
): RequestHead {
  const { method = 'GET', target = '/', version = '1.1', pairs = ['Host', 'a.example'] } = parts;
  return { method, target, version, fields: fieldsOf(pairs) };
}
