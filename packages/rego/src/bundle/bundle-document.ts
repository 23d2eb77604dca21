/** JSON and YAML files of a bundle as values. */
import type { HostYaml } from '../builtins/host.ts';
import { fromNative, parseJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';
import { refuse } from './bundle-diagnostic.ts';

const STRICT = new TextDecoder('utf-8', { fatal: true });
const DOCUMENT = /(?:^|\/)(?:data\.json|data\.ya?ml|\.manifest)$/;
const YAML_FILE = /\.ya?ml$/;

/** Whether OPA reads a file as a document: its signature is about the value then, not about the bytes. */
export function isDocument(path: string): boolean {
  return DOCUMENT.test(path);
}

/** @throws BundleError when it cannot be read */
export function readDocument(file: string, bytes: Uint8Array, yaml: HostYaml | undefined): Value {
  const text = readText(file, bytes);
  try {
    if (!YAML_FILE.test(file)) return parseJson(text);
    if (yaml !== undefined) return fromNative(yaml.parse(text));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return refuse(
      file,
      `cannot be read: ${error.message}`,
      YAML_FILE.test(file) ? 'write YAML' : 'write one JSON document',
    );
  }
  return refuse(file, 'is YAML, which cannot be read here', 'lend YAML by the host option, or write data.json');
}

/** @throws BundleError when it is not UTF-8 */
export function readText(file: string, bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return refuse(file, 'is not UTF-8', 'save it as UTF-8');
  }
}
