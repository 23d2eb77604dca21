/** Requests written byte by byte, for what happens to bytes that are hardly a message. */
import { test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { sendBytes, type WireAnswer } from '../support/wire.ts';
import type { OrderSidecar } from './order-sidecar.ts';

export type RawRow = readonly [title: string, code: ProblemCode, text: string];

/** The last chunk, and no trailers. */
export const LAST = '0\r\n\r\n';

/** A POST with a good Host and a good token. */
export const post = (fields: string, body: string, version: string = '1.1'): string =>
  `POST / HTTP/${version}\r\n{auth}${fields}\r\n\r\n${body}`;

export const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);

/** `{auth}` in the text becomes a good Host and a good token. */
export function sendRaw(order: OrderSidecar, text: string): Promise<WireAnswer> {
  const credentials = `Host: localhost\r\nAuthorization: Bearer ${order.userToken()}\r\n`;
  return sendBytes(order.wire(), Buffer.from(text.replace('{auth}', credentials), 'latin1'));
}

/** A test for each row. */
export function refusesAll(rows: readonly RawRow[], order: () => OrderSidecar): void {
  for (const [title, code, text] of rows) {
    test(`${title.slice(0, 100)} is ${code}`, async () => {
      await order().refused(code, () => sendRaw(order(), text));
    });
  }
}
