/** Header fields as a parser would have read them. */
import { type Fields, readFields } from '../../packages/sidegate/src/net/fields.ts';
import type { RequestHead } from '../../packages/sidegate/src/net/request-head.ts';

/** @param pairs names and values alternating */
export function fieldsOf(pairs: readonly string[]): Fields {
  let text = '';
  for (let i = 0; i + 1 < pairs.length; i += 2) text += `${pairs[i]}: ${pairs[i + 1]}\r\n`;
  return readFields(Buffer.from(text, 'latin1'), text, 0, text.length);
}

export function requestHead(
  parts: Partial<Omit<RequestHead, 'fields'>> & { readonly pairs?: readonly string[] },
): RequestHead {
  const { method = 'GET', target = '/', version = '1.1', pairs = ['Host', 'a.example'] } = parts;
  return { method, target, version, fields: fieldsOf(pairs) };
}
