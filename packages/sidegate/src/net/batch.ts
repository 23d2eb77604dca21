/**
 * What one turn of the event loop brings is read together, then written together. Reading, deciding and writing message by
 * message costs about twice as much, because the kernel, OpenSSL and this program push each other out of the processor's
 * caches: `docs/performance.md`.
 */
import type { Writable } from 'node:stream';

/** @param bytes of which the first `length` have arrived; to be read during the call only */
export type BytesReader = (bytes: Buffer, length: number) => void;

/** More in one piece is a body, whose cost is that of its bytes. */
const MAX_PIECE = 16 * 1024;
/** More than that does not wait for the end of the turn. */
const MAX_WAITING = 256 * 1024;

let readers: BytesReader[] = [];
let pieces: Buffer[] = [];
let waiting = 0;
let corked: Writable[] = [];
let before: (() => void)[] = [];
let after: (() => void)[] = [];
let ending = false;

/**
 * Hands over what has arrived at the end of this turn of the event loop, or earlier, in the order of the calls. What has to come
 * after it belongs into `setImmediate`.
 *
 * @param bytes that nobody writes into again
 */
export function readTogether(reader: BytesReader, bytes: Buffer): void {
  if (bytes.length > MAX_PIECE) {
    readNow();
    reader(bytes, bytes.length);
    return;
  }
  if (readers.length === 0) setImmediate(readNow);
  readers.push(reader);
  pieces.push(bytes);
  waiting += bytes.length;
  if (waiting > MAX_WAITING) readNow();
}

/** The same for bytes in a place that is written into again. */
export function readCopyTogether(reader: BytesReader, bytes: Buffer, length: number): void {
  if (length > MAX_PIECE) {
    readNow();
    reader(bytes, length);
    return;
  }
  const copy = Buffer.allocUnsafe(length);
  bytes.copy(copy, 0, 0, length);
  readTogether(reader, copy);
}

function readNow(): void {
  const [batch, bytes] = [readers, pieces];
  readers = [];
  pieces = [];
  waiting = 0;
  for (const [index, reader] of batch.entries()) {
    const piece = bytes[index];
    if (piece !== undefined) reader(piece, piece.length);
  }
}

/** What is written to `socket` from now on leaves in one piece, when all that was read together has been dealt with. */
export function writeTogether(socket: Writable): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  corked.push(socket);
  endSoon();
}

/** Runs `chore` before anything leaves that is written together. */
export function beforeWriting(chore: () => void): void {
  before.push(chore);
  endSoon();
}

/** Runs `chore` when all that is written together has left. */
export function afterWriting(chore: () => void): void {
  after.push(chore);
  endSoon();
}

function endSoon(): void {
  if (ending) return;
  ending = true;
  // A tick behind a microtask is behind everything that waits for a promise.
  queueMicrotask(() => process.nextTick(writeNow));
}

function writeNow(): void {
  // What a chore lets go is written with the rest, and the request behind it may bring another chore.
  while (before.length > 0) {
    const chores = before;
    before = [];
    for (const chore of chores) chore();
  }
  const [sockets, last] = [corked, after];
  corked = [];
  after = [];
  ending = false;
  for (const socket of sockets) socket.uncork();
  for (const chore of last) chore();
}
