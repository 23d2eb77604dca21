/** Corpus F, 158 to 160: what HTTP/2 servers fell over. HTTP/2 is not spoken here: nothing of it is read. */
import { after, before, describe, test } from 'node:test';
import { sendBytes } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

describe('HTTP/2', () => {
  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const [DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, CONTINUATION] = [0, 1, 3, 4, 8, 9];
  const [END_STREAM, END_HEADERS] = [1, 4];
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  /** A literal field that is not indexed, RFC 7541 section 6.2.2. */
  const field = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([value.length]),
      Buffer.from(value, 'latin1'),
    ]);
  const GET = [
    field(':method', 'GET'),
    field(':scheme', 'https'),
    field(':authority', 'localhost'),
    field(':path', '/'),
  ];
  const headers = (stream: number, fields: readonly Buffer[], flags: number = END_HEADERS | END_STREAM): Buffer =>
    frame(HEADERS, flags, stream, Buffer.concat(fields));
  const times = (count: number, make: (stream: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, index) => make(2 * index + 1)));

  const ROWS: readonly (readonly [title: string, frames: Buffer])[] = [
    ['C-158 rapid reset', times(1_000, (id) => Buffer.concat([headers(id, GET), frame(RST_STREAM, 0, id, word(8))]))],
    [
      'C-158 MadeYouReset',
      times(1_000, (id) => Buffer.concat([headers(id, GET), frame(WINDOW_UPDATE, 0, id, word(0))])),
    ],
    ['C-158 settings without end', times(1_000, () => frame(SETTINGS, 0, 0))],
    [
      'C-159 CONTINUATION without end',
      Buffer.concat([headers(1, GET, 0), times(1_000, () => frame(CONTINUATION, 0, 1, field('x', 'y')))]),
    ],
    [
      'C-159 a window beyond its end',
      Buffer.concat([frame(WINDOW_UPDATE, 0, 0, word(0x7fffffff)), frame(WINDOW_UPDATE, 0, 0, word(0x7fffffff))]),
    ],
    ['C-159 an index that HPACK does not have', headers(1, [Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])])],
    ['C-159 a table size beyond the settings', headers(1, [Buffer.from([0x3f, 0xff, 0xff, 0xff, 0x0f]), ...GET])],
    ['C-159 a frame of 16 MB that does not come', Buffer.from('ffffff000000000001', 'hex')],
    ['C-160 CR LF in a value', headers(1, [...GET, field('x', 'a\r\nX-User-ID: admin')])],
    ['C-160 a name in capitals', headers(1, [...GET, field('X-User-ID', 'admin')])],
    ['C-160 Transfer-Encoding', headers(1, [...GET, field('transfer-encoding', 'chunked')])],
    ['C-160 Connection', headers(1, [...GET, field('connection', 'close')])],
    [
      'C-160 another length than its data',
      Buffer.concat([
        headers(1, [...GET, field('content-length', '5')], END_HEADERS),
        frame(DATA, END_STREAM, 1, word(0)),
      ]),
    ],
    ['C-160 a pseudo-header twice', headers(1, [...GET, field(':path', '/admin')])],
    [
      'C-160 C-096 a scheme in another case',
      headers(1, [...GET.slice(2), field(':method', 'GET'), field(':scheme', 'hTTp')]),
    ],
    ['C-160 C-097 a path without a slash', headers(1, [...GET.slice(0, 3), field(':path', 'admin')])],
  ];
  for (const [title, frames] of ROWS) {
    test(`${title}: HTTP/2 is not spoken, nothing of it is read`, async () => {
      const bytes = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frames]);
      await order.refused('framing_invalid', () => sendBytes(order.wire(), bytes));
    });
  }
});
