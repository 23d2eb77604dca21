/** The body of a token request: small, soon, whole, or refused. */
import type { IncomingMessage } from 'node:http';
import { OAuthError } from './oauth-error.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** @throws OAuthError `invalid_request` with status 413 or 408; the connection must not be used again then. */
export function readRequestBody(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const refuse = (description: string, status: number) => {
      clearTimeout(timer);
      request.removeListener('data', take);
      reject(new OAuthError('invalid_request', description, { status, headers: { connection: 'close' } }));
    };
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) refuse(`the body is larger than ${maxBytes} bytes`, 413);
      else chunks.push(chunk);
    };
    const timer = setTimeout(() => refuse('the body did not arrive in time', 408), timeoutMs);
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
      refuse(`the body is larger than ${maxBytes} bytes`, 413);
      return;
    }
    request.on('data', take);
    request.once('end', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    request.once('close', () => refuse('the body ended early', 400));
  });
}
