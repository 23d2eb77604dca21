/** JSON and YAML files of a bundle as values. */
import { YamlError } from '../builtins/yaml/failure.ts';
import { readYaml } from '../builtins/yaml/read.ts';
import { JsonError, parseJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import { BundleError, refuse } from './bundle-diagnostic.ts';

const STRICT = new TextDecoder('utf-8', { fatal: true });
const DOCUMENT = /(?:^|\/)(?:data\.json|data\.ya?ml|\.manifest)$/;
const YAML_FILE = /\.ya?ml$/;
/** Reading YAML takes several times as long as reading JSON. */
const MAX_YAML_BYTES = 4 * 1024 * 1024;

/** Whether OPA reads a file as a document: its signature is about the value then, not about the bytes. */
export function isDocument(path: string): boolean {
  return DOCUMENT.test(path);
}

/** @throws BundleError when it cannot be read */
export function readDocument(file: string, bytes: Uint8Array): Value {
  const text = readText(file, bytes);
  const isYaml = YAML_FILE.test(file);
  if (isYaml && bytes.length > MAX_YAML_BYTES) refuse(file, 'is YAML of more than 4 MiB', 'write it as JSON');
  try {
    return isYaml ? readYaml(text) : parseJson(text);
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
  return error instanceof YamlError ? { line: error.line, column: error.column } : {};
}

/** @throws BundleError when it is not UTF-8 */
export function readText(file: string, bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return refuse(file, 'is not UTF-8', 'save it as UTF-8');
  }
}
