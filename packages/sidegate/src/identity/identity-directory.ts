/**
 * An identity on disk: `svid.pem`, `svid_key.pem`, `bundle.pem`, `crl.pem`. All of them change at once, as those of a Kubernetes
 * secret do: each is a link through `..data`, and `..data` is replaced by a rename. Who reads them never finds a certificate beside
 * the key of another one.
 */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

export const IDENTITY_FILES = {
  chain: 'svid.pem',
  key: 'svid_key.pem',
  bundle: 'bundle.pem',
  revocationLists: 'crl.pem',
  state: 'state.json',
} as const;

export type IdentityFiles = Readonly<Record<keyof typeof IDENTITY_FILES, string>>;

const DATA = '..data';
const VERSION = /^\.\.v-/;

/** Undefined when there is none, or not a whole one. */
export async function readIdentityFiles(directory: string): Promise<IdentityFiles | undefined> {
  try {
    const entries = await Promise.all(
      Object.entries(IDENTITY_FILES).map(
        async ([name, file]) => [name, await readFile(path.join(directory, DATA, file), 'utf8')] as const,
      ),
    );
    return Object.fromEntries(entries) as unknown as IdentityFiles;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** What resolved is on disk; whatever happens before leaves what was there. */
export async function writeIdentityFiles(directory: string, files: IdentityFiles): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const version = `..v-${randomUUID()}`;
  await mkdir(path.join(directory, version), { mode: 0o700 });
  for (const [name, file] of Object.entries(IDENTITY_FILES)) {
    const content = files[name as keyof IdentityFiles];
    await writeFile(path.join(directory, version, file), content, { mode: 0o600, flush: true });
  }
  const before = await readlink(path.join(directory, DATA)).catch(() => undefined);
  await replaceLink(directory, DATA, version);
  for (const file of Object.values(IDENTITY_FILES)) {
    const target = path.join(DATA, file);
    if ((await readlink(path.join(directory, file)).catch(() => undefined)) !== target) {
      await refuseOther(directory, file);
      await replaceLink(directory, file, target);
    }
  }
  await syncDirectory(directory);
  // A reader that followed the link a moment ago has its files open, or finds the new ones when it looks again.
  for (const entry of await readdir(directory)) {
    if (VERSION.test(entry) && entry !== version && entry !== before) {
      await rm(path.join(directory, entry), { recursive: true, force: true });
    }
  }
}

async function replaceLink(directory: string, name: string, target: string): Promise<void> {
  const temporary = path.join(directory, `${name}.tmp`);
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path.join(directory, name));
}

/** A file that somebody else put there is not overwritten. */
async function refuseOther(directory: string, file: string): Promise<void> {
  const found = await lstat(path.join(directory, file)).catch(() => undefined);
  if (found === undefined || found.isSymbolicLink()) return;
  throw new Error(`${path.join(directory, file)} is there already and was not written by Sidegate; move it away`);
}

async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory);
  await handle.sync().catch(() => undefined);
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
