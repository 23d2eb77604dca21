/** Configuration files on this machine: which one is meant, and what its paths mean. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Loaded, LoadOptions } from '../config/load-document.ts';

export interface ConfigFileOptions {
  readonly env: LoadOptions['env'];
  /** Prefix of every absolute path that the file names, as with chroot; relative paths start at the file. */
  readonly root?: string | undefined;
  /** Told of each file that is read, also of one that cannot be. */
  readonly onRead?: (path: string) => void;
}

/** The file from the command line, else `SIDEGATE_CONFIG`, else `AUTHZ_CONFIG_PATH`; undefined when none names one. */
export function chosenConfigFile(option: string | undefined, env: LoadOptions['env']): string | undefined {
  return [option, env['SIDEGATE_CONFIG'], env['AUTHZ_CONFIG_PATH']].find((file) => file !== undefined && file !== '');
}

/** Loads a file with one of the loaders of `config/load.ts`; a file that cannot be read is a finding like any other. */
export function loadConfigFile<T>(
  load: (text: string, options: LoadOptions) => Loaded<T>,
  file: string,
  { env, root = '/', onRead }: ConfigFileOptions,
): Loaded<T> {
  const resolvePath = (path: string): string => (isAbsolute(path) ? join(root, path) : resolve(dirname(file), path));
  const readFile = (path: string): string => {
    onRead?.(path);
    return readFileSync(path, 'utf8');
  };
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    const hint = reason === 'ENOENT' ? 'there is no such file' : reason;
    const position = { file, line: 1, column: 1, severity: 'error', path: '' } as const;
    return { ok: false, diagnostics: [{ ...position, code: 'unreadable_file', message: 'cannot be read', hint }] };
  }
  return load(text, { file, env, readFile, resolvePath });
}
