/** The body of a token request: small, soon, whole, or refused. */
import type { RequestBody } from '../../net/request-body.ts';
import { OAuthError } from './oauth-error.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** @throws OAuthError `invalid_request` with status 413, 408 or 400; the connection must not be used again then. */
export async function readRequestBody(body: RequestBody | undefined, limits: BodyLimits): Promise<Buffer> {
  if (body === undefined) return Buffer.alloc(0);
  const { maxBytes, timeoutMs } = limits;
  if ((body.length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const pieces: Buffer[] = [];
  let size = 0;
  body.receive({
    write: (piece) => {
      size += piece.length;
      if (size > maxBytes) reject(tooLarge(maxBytes));
      else pieces.push(piece);
      return size <= maxBytes;
    },
    end: () => resolve(Buffer.concat(pieces)),
    cut: () => reject(refused('the body ended early', 400)),
  });
  if (body.whole) return promise;
  const timer = setTimeout(() => reject(refused('the body did not arrive in time', 408)), timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(maxBytes: number): OAuthError {
  return refused(`the body is larger than ${maxBytes} bytes`, 413);
}

function refused(description: string, status: number): OAuthError {
  return new OAuthError('invalid_request', description, { status, headers: { connection: 'close' } });
}
