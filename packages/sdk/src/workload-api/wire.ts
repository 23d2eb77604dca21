/**
 * protobuf messages whose members are texts, bytes and messages, read and written by field number. A member of another
 * type, a single one that comes twice, a text that is not UTF-8 and anything cut short are refused; unknown members are skipped.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** The bytes are not the message that was expected; the message never repeats them. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Names of members with their field numbers. */
type FieldNumbers<Name extends string> = Readonly<Record<Name, number>>;

export type Members<Name extends string> = Readonly<Record<Name, readonly Buffer[]>>;

/** No list of the Workload API comes near it. */
const MAX_OCCURRENCES = 1_000;
const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws WireError */
export function readMessage<Name extends string>(bytes: Uint8Array, fields: FieldNumbers<Name>): Members<Name> {
  const found = new Map<number, Buffer[]>(Object.values<number>(fields).map((number) => [number, []]));
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      const values = found.get(number);
      if (type === WireType.StartGroup) throw new WireError('a group, which proto3 does not have');
      if (values === undefined) {
        reader.skip(type, number);
        continue;
      }
      if (type !== WireType.LengthDelimited) throw new WireError(`field ${number} has another type`);
      if (values.length === MAX_OCCURRENCES)
        throw new WireError(`field ${number} comes more than ${MAX_OCCURRENCES} times`);
      const value = reader.bytes();
      values.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    }
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError('it is no protobuf message', { cause: error });
  }
  const entries = Object.entries<number>(fields).map(([name, number]) => [name, found.get(number) ?? []]);
  return Object.fromEntries(entries) as Record<Name, Buffer[]>;
}

/** Empty when it is absent, as in protobuf. */
export function single([value, another]: readonly Buffer[], name: string): Buffer {
  if (another !== undefined) throw new WireError(`${name} comes twice`);
  return value ?? Buffer.alloc(0);
}

export function text(value: Buffer, name: string): string {
  try {
    return UTF_8.decode(value);
  } catch {
    throw new WireError(`${name} is not UTF-8`);
  }
}

/** `map<string, bytes>`; a key that comes twice is refused, whoever of the two would win. */
export function readMap(entries: readonly Buffer[], name: string): ReadonlyMap<string, Buffer> {
  const map = new Map<string, Buffer>();
  for (const entry of entries) {
    const { key, value } = readMessage(entry, MAP_ENTRY);
    const read = text(single(key, name), name);
    if (map.has(read)) throw new WireError(`${name} has a key twice`);
    map.set(read, single(value, name));
  }
  return map;
}

/** Members in order; an empty one is absent, as in protobuf, where it is not one of a list. */
export function writeMessage(members: Iterable<readonly [field: number, value: Uint8Array | string]>): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of members) {
    writer.tag(field, WireType.LengthDelimited);
    if (typeof value === 'string') writer.string(value);
    else writer.bytes(value);
  }
  return writer.finish();
}

export function mapMembers(field: number, map: ReadonlyMap<string, Uint8Array>): (readonly [number, Uint8Array])[] {
  return Array.from(map, ([key, value]) => [
    field,
    writeMessage([
      [MAP_ENTRY.key, key],
      [MAP_ENTRY.value, value],
    ]),
  ]);
}

const MAP_ENTRY = { key: 1, value: 2 } as const;
