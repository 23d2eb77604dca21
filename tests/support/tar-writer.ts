/** Writes tar archives, right ones and wrong ones: every field of a header can be replaced by something hostile. */
export interface TarEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** `0` file (the default), `5` folder, `2` symbolic link, `x` pax header, `L` GNU long name … */
  readonly type?: string;
  /** The ustar prefix: folders above `name`. */
  readonly prefix?: string;
  readonly linkName?: string;
  /** The text of the size field, instead of the content's length. */
  readonly sizeField?: string;
  /** Added to the right checksum. */
  readonly checksumError?: number;
  /** `ustar\0` when absent. */
  readonly magic?: string;
}

const BLOCK = 512;
const END = Buffer.alloc(2 * BLOCK);

export function writeTar(entries: readonly TarEntry[], end: Uint8Array = END): Buffer {
  return Buffer.concat([...entries.flatMap((entry) => [header(entry), ...body(entry)]), end]);
}

/** A pax extended header with these records. */
export function paxHeader(records: Readonly<Record<string, string>>, type: 'x' | 'g' = 'x'): TarEntry {
  const content = Object.entries(records).map(([keyword, value]) => paxRecord(keyword, value));
  return { name: 'PaxHeaders/0', type, content: content.join('') };
}

/** The length counts its own digits. */
function paxRecord(keyword: string, value: string): string {
  const rest = ` ${keyword}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const length = bytes + String(bytes + String(bytes).length).length;
  return `${length}${rest}`;
}

function header(entry: TarEntry): Buffer {
  const { name, type = '0', prefix = '', linkName = '', checksumError = 0, magic = 'ustar\0' } = entry;
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'utf8');
  block.write('0000600\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(entry.sizeField ?? `${contentOf(entry).length.toString(8).padStart(11, '0')}\0`, 124, 12);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156, 1);
  block.write(linkName, 157, 100);
  block.write(magic, 257);
  block.write('00', 263);
  block.write(prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0) + checksumError;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function body(entry: TarEntry): Buffer[] {
  const content = contentOf(entry);
  return [content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}

function contentOf({ content = '' }: TarEntry): Buffer {
  return Buffer.from(content);
}
