/** The lab's own secrets: made up once, kept in one file for its owner only, handed to processes by environment. */
import { chmod, readFile, writeFile } from 'node:fs/promises';

export type SecretValues = Readonly<Record<string, string>>;

/**
 * The values kept in `file`, completed with a new one for each name that it lacks.
 *
 * @throws Error when the file is there and cannot be used; nothing of it is in the message
 */
export async function keepSecrets(file: string, names: Iterable<string>, make: () => string): Promise<SecretValues> {
  const kept = await readKept(file);
  const missing = [...new Set(names)].filter((name) => !Object.hasOwn(kept, name));
  if (missing.length === 0) return kept;
  const all = { ...kept, ...Object.fromEntries(missing.map((name) => [name, make()])) };
  await writeFile(file, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return all;
}

async function readKept(file: string): Promise<SecretValues> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  const value = parse(text);
  if (value === undefined) throw new Error('is not a table of secrets; remove it and new ones are made');
  return value;
}

function parse(text: string): SecretValues | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.values(value).every((entry) => typeof entry === 'string') ? (value as SecretValues) : undefined;
  } catch {
    return undefined;
  }
}
