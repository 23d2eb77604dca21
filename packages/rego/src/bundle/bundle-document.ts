/** JSON and YAML files of a bundle as values. */
import type { HostYaml } from '../builtins/host.ts';
import { fromNative, JsonError, parseJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import { BundleError, refuse } from './bundle-diagnostic.ts';

const STRICT = new TextDecoder('utf-8', { fatal: true });
const DOCUMENT = /(?:^|\/)(?:data\.json|data\.ya?ml|\.manifest)$/;
const YAML_FILE = /\.ya?ml$/;
/** Reading YAML takes a hundred times as long as reading JSON. */
const MAX_YAML_BYTES = 4 * 1024 * 1024;

/** Whether OPA reads a file as a document: its signature is about the value then, not about the bytes. */
export function isDocument(path: string): boolean {
  return DOCUMENT.test(path);
}

/** @throws BundleError when it cannot be read */
export function readDocument(file: string, bytes: Uint8Array, yaml: HostYaml | undefined): Value {
  const text = readText(file, bytes);
  const isYaml = YAML_FILE.test(file);
  if (isYaml && yaml === undefined) {
    refuse(file, 'is YAML, which cannot be read here', 'lend YAML by the host option, or write data.json');
  }
  if (isYaml && bytes.length > MAX_YAML_BYTES) refuse(file, 'is YAML of more than 4 MiB', 'write it as JSON');
  try {
    return isYaml && yaml !== undefined ? fromNative(yaml.parse(text)) : parseJson(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const hint = isYaml ? 'write YAML' : 'write one JSON document';
    throw new BundleError([{ file, ...placeOf(error, text), message: `cannot be read: ${error.message}`, hint }]);
  }
}

/** As far as the error knows it. */
function placeOf(error: Error, text: string): { readonly line?: number; readonly column?: number } {
  if (error instanceof JsonError) {
    const lines = text.slice(0, error.offset).split('\n');
    return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1 };
  }
  const line = 'line' in error ? error.line : undefined;
  const column = 'column' in error ? error.column : undefined;
  return typeof line === 'number' && typeof column === 'number' ? { line, column } : {};
}

/** @throws BundleError when it is not UTF-8 */
export function readText(file: string, bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return refuse(file, 'is not UTF-8', 'save it as UTF-8');
  }
}
