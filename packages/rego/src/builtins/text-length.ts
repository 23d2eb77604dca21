/** How long a text that a builtin makes may become. */
import { BuiltinError } from './builtin.ts';

const MAX_LENGTH = 16 * 1024 * 1024;

/** @throws BuiltinError */
export function checkLength(length: number): void {
  if (length > MAX_LENGTH) throw new BuiltinError(`string longer than ${MAX_LENGTH} characters`);
}

/** @throws BuiltinError when it is too long */
export function bounded(text: string): string {
  checkLength(text.length);
  return text;
}
