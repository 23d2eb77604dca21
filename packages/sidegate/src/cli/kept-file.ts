/** A file that may hold a key, with who can read it. */
import { readFileSync, statSync } from 'node:fs';
import type { FileContent } from '../identity/key-pair.ts';

export function readKeptFile(file: string): FileContent {
  return { text: readFileSync(file, 'utf8'), mode: permissionsFor(statSync(file), process.getuid?.()) };
}

/**
 * The permission bits, without that of the group where root keeps the file and gives it to the group of a process that is not root: so
 * Kubernetes mounts a Secret (`fsGroup`), and there is no other way for a pod that is not root to read one.
 */
export function permissionsFor(
  { mode, uid: owner }: { readonly mode: number; readonly uid: number },
  self: number | undefined,
): number {
  return owner === 0 && self !== undefined && self !== 0 ? mode & ~0o040 : mode;
}
