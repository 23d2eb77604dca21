/** The last good bundle, kept for a start without the server. It is verified again when it is read. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

export interface BundleFile {
  /** Undefined when nothing is kept, or it cannot be read. */
  read(): Uint8Array | undefined;
  /** Replaces the file as a whole, or says why it could not. */
  write(bytes: Uint8Array): string | undefined;
}

/** @param uniqueName makes names that no other process chooses */
export function bundleFile(file: string, uniqueName: () => string): BundleFile {
  return {
    read: () => {
      try {
        return readFileSync(file);
      } catch {
        return undefined;
      }
    },
    write: (bytes) => {
      const beside = `${file}.${uniqueName()}`;
      try {
        writeFileSync(beside, bytes, { mode: 0o600, flag: 'wx' });
        renameSync(beside, file);
        return undefined;
      } catch (error) {
        rmSync(beside, { force: true });
        return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      }
    },
  };
}
