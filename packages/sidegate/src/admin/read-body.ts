/** A small body, whole or refused; how long it may take is for the connection to say. */
import { Problem } from '@sidegate/sdk';
import type { RequestBody } from '../net/request-body.ts';

const NOTHING = Buffer.alloc(0);

/** @throws Problem `body_too_large` or `framing_invalid` */
export async function readBody(body: RequestBody | undefined, maxBytes: number): Promise<Buffer> {
  if (body === undefined) return NOTHING;
  const tooLarge = (): Problem => new Problem('body_too_large', `a body beyond ${maxBytes} bytes`);
  if ((body.length ?? 0) > maxBytes) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const pieces: Buffer[] = [];
  let size = 0;
  body.receive({
    write: (piece) => {
      size += piece.length;
      if (size > maxBytes) reject(tooLarge());
      else pieces.push(piece);
      return size <= maxBytes;
    },
    end: () => resolve(Buffer.concat(pieces)),
    cut: () => reject(new Problem('framing_invalid', 'the body ended early')),
  });
  return promise;
}
