/** Values as Go's `%#v` shows what YAML was read into. */
import { isNumber, numberText } from '../../value/number.ts';
import { isObject, objectEntries } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { quote } from '../text.ts';

export function goSyntax(value: Value): string {
  return value === null ? '<nil>' : member(value);
}

function member(value: Value): string {
  if (value === null) return 'interface {}(nil)';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean') return String(value);
  if (isNumber(value)) return numberText(value);
  if (Array.isArray(value)) return `[]interface {}{${(value as readonly Value[]).map(member).join(', ')}}`;
  if (!isObject(value)) return '';
  const members = objectEntries(value).map(([key, item]) => `${member(key)}:${member(item)}`);
  return `map[string]interface {}{${members.join(', ')}}`;
}
