/**
 * Tar archives, strictly: POSIX ustar headers with pax paths (IEEE Std 1003.1, pax) and GNU long names, regular
 * files and folders only. What two readers could understand differently is refused: a wrong checksum, links,
 * devices, a name given twice, a path that leaves the archive, an archive without its end.
 */
import { refuse } from './bundle-diagnostic.ts';
import { entryPath } from './entry-path.ts';
import { type PaxRecords, readPaxRecords } from './pax-records.ts';

export interface TarLimits {
  /** Files, folders and extended headers. */
  readonly entries: number;
  /** Bytes of one extended header, and so of a name. */
  readonly headerBytes: number;
}

const BLOCK = 512;
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const REPACK = 'pack it again with opa build, or with tar -C DIR';

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/** What extended headers say about the entry that follows them. */
interface Extension {
  readonly name?: string;
  readonly size?: number;
}

/**
 * The archive's files by path, in its order; the bytes are views of `archive`.
 * @throws BundleError
 */
export function readTar(archive: Uint8Array, limits: TarLimits): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let extension: Extension = {};
  let entries = 0;
  let at = 0;
  for (;;) {
    const block = blockAt(archive, at);
    if (isZero(block)) {
      if (extension.name !== undefined || extension.size !== undefined)
        broken('an extended header is followed by nothing');
      return ended(archive, at, files);
    }
    entries += 1;
    if (entries > limits.entries) refuse('', `the archive has more than ${limits.entries} entries`, 'split the bundle');
    const header = readHeader(block);
    const isExtension = 'xgL'.includes(header.type);
    const size = isExtension ? header.size : (extension.size ?? header.size);
    const body = bodyAt(archive, at + BLOCK, size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (isExtension) {
      if (size > limits.headerBytes) broken('an extended header is too long');
      extension = extended(extension, header.type, body);
      continue;
    }
    addEntry(files, { ...header, name: extension.name ?? header.name }, body);
    extension = {};
  }
}

function addEntry(files: Map<string, Uint8Array>, { name, type }: Header, body: Uint8Array): void {
  // Before POSIX, a folder was a file whose name ends with a slash.
  if (type === '5' || (type === '0' && name.endsWith('/'))) {
    if (body.length > 0) broken(`the folder ${shown(name)} has content`);
    if (!/^\.?\/*$/.test(name)) entryPath(name.replace(/\/+$/, ''));
    return;
  }
  if (type !== '0') {
    refuse(
      shown(name),
      `is ${KINDS[type] ?? `an entry of type ${shown(type)}`}, not a file`,
      'a bundle has files only',
    );
  }
  const path = entryPath(name);
  if (files.has(path)) refuse(path, 'is in the archive twice', REPACK);
  files.set(path, body);
}

const KINDS: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
};

function extended(known: Extension, type: string, body: Uint8Array): Extension {
  if (type === 'L') return { ...known, name: text(trimmed(body)) };
  const records = readPaxRecords(text(body));
  // A global header would change the meaning of entries far from it; git archive writes only its comment there.
  if (type === 'g' && (records.path ?? records.size) !== undefined) broken('a global header names a path or a size');
  return { ...known, ...asExtension(records) };
}

function asExtension({ path, size }: PaxRecords): Extension {
  return {
    ...(path === undefined ? {} : { name: path }),
    ...(size === undefined ? {} : { size }),
  };
}

function readHeader(block: Uint8Array): Header {
  if (octal(block.subarray(148, 156)) !== checksum(block)) broken('a header has a wrong checksum');
  const magic = String.fromCharCode(...block.subarray(257, 263));
  const prefix = magic === 'ustar\0' ? text(trimmed(block.subarray(345, 500))) : '';
  const name = text(trimmed(block.subarray(0, 100)));
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: octal(block.subarray(124, 136)),
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
  };
}

/** The sum of the header's bytes, its own field counted as spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, index) => sum + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

/** Digits between spaces, up to a NUL. Base 256, for files above 8 GiB, is not read. */
function octal(field: Uint8Array): number {
  const digits = /^ *([0-7]+) *$/.exec(String.fromCharCode(...trimmed(field)))?.[1];
  return digits === undefined ? broken('a header has a field that is no octal number') : Number.parseInt(digits, 8);
}

function blockAt(archive: Uint8Array, at: number): Uint8Array {
  const block = archive.subarray(at, at + BLOCK);
  return block.length === BLOCK ? block : broken('the archive ends too early');
}

function bodyAt(archive: Uint8Array, at: number, size: number): Uint8Array {
  if (size > archive.length - at) broken('the archive ends too early');
  return archive.subarray(at, at + size);
}

/** Two blocks of zeros end an archive; nothing but padding may follow. */
function ended(
  archive: Uint8Array,
  at: number,
  files: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  blockAt(archive, at + BLOCK);
  if (!isZero(archive.subarray(at))) broken('something follows the end of the archive');
  return files;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function trimmed(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0);
  return end === -1 ? field : field.subarray(0, end);
}

function text(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return broken('a name is not UTF-8');
  }
}

function broken(message: string): never {
  refuse('', `cannot be read as a tar archive: ${message}`, REPACK);
}

/** A name in a message, with nothing that a terminal would obey. */
function shown(name: string): string {
  return JSON.stringify(name);
}
