/** Envoy's side of external authorization: a question in its own encoding, over gRPC, and the answer read back. */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials } from '@grpc/grpc-js';

export interface CheckQuestion {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** PEM. */
  readonly certificate?: string;
  /** Headers as `header_map`, which has each as often as it was sent; else as `headers`. */
  readonly raw?: boolean;
}

export interface CheckAnswer {
  /** `google.rpc.Code`. */
  readonly code: number;
  /** Undefined: it was allowed. */
  readonly denied:
    | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
    | undefined;
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

export interface EnvoyClient extends Disposable {
  check(question: CheckQuestion): Promise<CheckAnswer>;
  /** @param bytes in place of a question */
  send(bytes: Uint8Array): Promise<CheckAnswer>;
}

export function connectEnvoy(port: number): EnvoyClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const send: EnvoyClient['send'] = (bytes) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/envoy.service.auth.v3.Authorization/Check',
        (value: Uint8Array) => Buffer.from(value),
        readAnswer,
        bytes,
        (error, answer) =>
          error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error('nothing')),
      );
    });
  return {
    send,
    check: (question) => send(writeQuestion(question)),
    [Symbol.dispose]: () => client.close(),
  };
}

export type Member = readonly [field: number, value: string | Uint8Array];

/** A message of texts and messages. */
export function message(...members: readonly Member[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of members) {
    writer.tag(field, WireType.LengthDelimited);
    if (typeof value === 'string') writer.bytes(Buffer.from(value, 'latin1'));
    else writer.bytes(value);
  }
  return writer.finish();
}

export function writeQuestion(question: CheckQuestion): Uint8Array {
  const { method = 'GET', path = '/orders', host = 'order-service', headers = [], certificate, raw = false } = question;
  const pseudo = [
    [':method', method],
    [':path', path],
    [':authority', host],
    ['x-request-id', 'of-envoy'],
  ] as const;
  const all = [...pseudo, ...headers];
  const fields: Member[] = raw
    ? [[13, message(...all.map(([name, value]): Member => [1, message([1, name], [3, value])]))]]
    : all.map(([name, value]): Member => [3, message([1, name], [2, value])]);
  const http = message([2, method], ...fields, [4, path], [5, host]);
  const source: Member[] = certificate === undefined ? [] : [[1, message([5, encodeURIComponent(certificate)])]];
  return message([1, message(...source, [4, message([2, http])])]);
}

type Value = number | Buffer;

function membersOf(bytes: Uint8Array): ReadonlyMap<number, readonly Value[]> {
  const members = new Map<number, Value[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const value = type === WireType.Varint ? reader.int32() : Buffer.from(reader.bytes());
    members.set(field, [...(members.get(field) ?? []), value]);
  }
  return members;
}

function at(bytes: Uint8Array | undefined, field: number): Buffer | undefined {
  const [value] = membersOf(bytes ?? Buffer.alloc(0)).get(field) ?? [];
  return Buffer.isBuffer(value) ? value : undefined;
}

function all(bytes: Uint8Array | undefined, field: number): readonly Buffer[] {
  return (membersOf(bytes ?? Buffer.alloc(0)).get(field) ?? []).filter((value) => Buffer.isBuffer(value));
}

function numberAt(bytes: Uint8Array | undefined, field: number): number {
  const [value = 0] = membersOf(bytes ?? Buffer.alloc(0)).get(field) ?? [];
  return typeof value === 'number' ? value : Number.NaN;
}

function headersOf(bytes: Uint8Array | undefined): Readonly<Record<string, string>> {
  const options = all(bytes, 2).map((option) => at(option, 1));
  return Object.fromEntries(
    options.map((header) => [String(at(header, 1)).toLowerCase(), String(at(header, 2) ?? '')]),
  );
}

function readAnswer(bytes: Buffer): CheckAnswer {
  const [denied, ok] = [at(bytes, 2), at(bytes, 3)];
  return {
    code: numberAt(at(bytes, 1), 1),
    denied: denied && { status: numberAt(at(denied, 1), 1), headers: headersOf(denied), body: String(at(denied, 3)) },
    set: headersOf(ok),
    removed: all(ok, 5).map(String),
  };
}
