/** The body of a request for whoever must verify its bytes, left in place for the parser that comes after. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../problem.ts';

const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The bytes as received. A parser that ran before must have kept them as `rawBody`.
 *
 * @throws Problem `body_too_large`; Error when the body was read before and nobody kept it
 */
export async function readMessageBody(message: IncomingMessage & { rawBody?: unknown }): Promise<Uint8Array> {
  if (message.rawBody instanceof Uint8Array) return message.rawBody;
  if (message.headers['content-length'] === undefined && message.headers['transfer-encoding'] === undefined) {
    return new Uint8Array(0);
  }
  if (message.readableDidRead) {
    throw new Error(
      'the body was read before its signature: keep its bytes as request.rawBody, or put the guard before the parser',
    );
  }
  return collect(message);
}

function collect(message: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (settle: () => void): void => {
      message.off('readable', read).off('error', failed).off('close', closed);
      settle();
    };
    const failed = (error: Error): void => done(() => reject(error));
    const closed = (): void => failed(new Error('the connection ended before the body did'));
    const read = (): void => {
      for (let chunk: Buffer | null = message.read(); chunk !== null; chunk = message.read()) {
        size += chunk.length;
        if (size > MAX_BODY_BYTES) {
          failed(new Problem('body_too_large', `more than ${MAX_BODY_BYTES} bytes`));
          return;
        }
        chunks.push(chunk);
      }
      if (!message.complete) return;
      const body = Buffer.concat(chunks);
      // In this turn, before the end is told: the parser reads the same bytes again.
      if (body.length > 0) message.unshift(body);
      done(() => resolve(body));
    };
    message.on('readable', read).on('error', failed).on('close', closed);
    read();
  });
}
