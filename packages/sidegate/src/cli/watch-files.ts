/**
 * Tells when files have changed, by looking at them: a look finds what a notification of the kernel misses (network
 * volumes, links that Kubernetes swaps two levels above), and costs a few calls. Changes count when two looks in a row see the
 * same, so that a certificate is not read while its key is still to be written.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface FileWatch extends AsyncDisposable {
  /** What is there now is what is known. */
  accept(): Promise<void>;
}

export interface WatchOptions {
  /** Files, and folders with everything below them, at the time of the call. */
  readonly paths: () => Iterable<string>;
  readonly intervalMs: number;
  /** When the files were first read, in milliseconds since the epoch: what is newer may not have been read. */
  readonly readAt: number;
  readonly onChange: () => Promise<void>;
}

/** As many as a policy folder may hold. */
const MAX_ENTRIES = 10_000;
const MAX_DEPTH = 64;
/** How far the kernel's time of a change may be behind the clock. */
const CLOCK_TICK_MS = 10;

interface State {
  /** Equal while no file was written, replaced, added or removed. */
  readonly digest: string;
  /** Of the last change, in milliseconds since the epoch. */
  readonly changedAt: number;
}

export async function watchFiles({ paths, intervalMs, readAt, onChange }: WatchOptions): Promise<FileWatch> {
  const ended = new AbortController();
  const first = await stateOf(paths());
  let known = first.changedAt > readAt - CLOCK_TICK_MS ? '' : first.digest;
  let seen = first.digest;
  const looks = (async () => {
    while (!ended.signal.aborted) {
      await pause(intervalMs, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      if (ended.signal.aborted) return;
      const before = seen;
      seen = (await stateOf(paths())).digest;
      if (seen === known || seen !== before) continue;
      known = seen;
      await onChange();
    }
  })();
  return {
    async accept() {
      known = (await stateOf(paths())).digest;
      seen = known;
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      await looks;
    },
  };
}

async function stateOf(paths: Iterable<string>): Promise<State> {
  const notes: Notes = { digest: createHash('sha256'), changedAt: 0, entries: 0 };
  for (const place of [...paths].toSorted((a, b) => (a < b ? -1 : 1))) await note(notes, place, 0);
  return { digest: notes.digest.digest('base64'), changedAt: notes.changedAt };
}

interface Notes {
  readonly digest: ReturnType<typeof createHash>;
  changedAt: number;
  entries: number;
}

async function note(notes: Notes, place: string, depth: number): Promise<void> {
  notes.entries += 1;
  if (notes.entries > MAX_ENTRIES || depth > MAX_DEPTH) return;
  const found = await stat(place, { bigint: true }).catch((error: unknown) =>
    String((error as { code?: unknown }).code),
  );
  if (typeof found === 'string') {
    notes.digest.update(`${place}\0${found}\0`);
    return;
  }
  const { dev, ino, size, mtimeNs, ctimeNs, mode } = found;
  notes.digest.update(`${[place, dev, ino, size, mtimeNs, ctimeNs, mode].join('\0')}\0`);
  notes.changedAt = Math.max(notes.changedAt, Number(ctimeNs / 1_000_000n));
  if (!found.isDirectory()) return;
  const names = await readdir(place).catch(() => []);
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) await note(notes, path.join(place, name), depth + 1);
}
