/** The body of a token request: small, soon, whole, or refused. */
import type { IncomingMessage } from 'node:http';
import { OAuthError } from './oauth-error.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** @throws OAuthError `invalid_request` with status 413 or 408; the connection must not be used again then. */
export async function readRequestBody(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const tooLarge = () => refused(`the body is larger than ${maxBytes} bytes`, 413);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    if (length > maxBytes) reject(tooLarge());
    else chunks.push(chunk);
  };
  const end = () => resolve(Buffer.concat(chunks));
  const cut = () => reject(refused('the body ended early', 400));
  const timer = setTimeout(() => reject(refused('the body did not arrive in time', 408)), timeoutMs);
  request.on('data', take).once('end', end).once('close', cut);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    request.off('data', take).off('end', end).off('close', cut);
  }
}

function refused(description: string, status: number): OAuthError {
  return new OAuthError('invalid_request', description, { status, headers: { connection: 'close' } });
}
