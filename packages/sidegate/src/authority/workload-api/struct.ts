/** JSON as `google.protobuf.Struct`: how a verified token's claims travel. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { JsonObject, JsonValue } from '@sidegate/sdk';

/** Field numbers. */
const STRUCT = { fields: 1 } as const;
const MAP_ENTRY = { key: 1, value: 2 } as const;
const VALUE = { null: 1, number: 2, string: 3, bool: 4, struct: 5, list: 6 } as const;
const LIST = { values: 1 } as const;

export function writeStruct(object: JsonObject): Uint8Array {
  const writer = new BinaryWriter();
  writeFields(writer, object);
  return writer.finish();
}

function writeFields(writer: BinaryWriter, object: JsonObject): void {
  for (const [key, value] of Object.entries(object)) {
    begin(writer, STRUCT.fields).tag(MAP_ENTRY.key, WireType.LengthDelimited).string(key);
    begin(writer, MAP_ENTRY.value);
    writeValue(writer, value);
    writer.join().join();
  }
}

function writeValue(writer: BinaryWriter, value: JsonValue): void {
  if (value === null) writer.tag(VALUE.null, WireType.Varint).int32(0);
  else if (typeof value === 'number') writer.tag(VALUE.number, WireType.Bit64).double(value);
  else if (typeof value === 'string') writer.tag(VALUE.string, WireType.LengthDelimited).string(value);
  else if (typeof value === 'boolean') writer.tag(VALUE.bool, WireType.Varint).bool(value);
  else if (isArray(value)) {
    begin(writer, VALUE.list);
    for (const each of value) {
      begin(writer, LIST.values);
      writeValue(writer, each);
      writer.join();
    }
    writer.join();
  } else {
    begin(writer, VALUE.struct);
    writeFields(writer, value);
    writer.join();
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function begin(writer: BinaryWriter, field: number): BinaryWriter {
  return writer.tag(field, WireType.LengthDelimited).fork();
}
