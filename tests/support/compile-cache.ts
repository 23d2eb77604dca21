/**
 * Loaded before tests, with `--import`: sidecars start from source by the hundred here, and what V8 has compiled of it is kept for the
 * next one. Whoever starts a process with an environment of its own passes {@link compileCache} on.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';

process.env['NODE_COMPILE_CACHE'] ??= path.resolve(import.meta.dirname, '../../node_modules/.cache/compiled');
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

export function compileCache(): Readonly<Record<string, string>> {
  const { NODE_COMPILE_CACHE: directory } = process.env;
  return directory === undefined ? {} : { NODE_COMPILE_CACHE: directory };
}
