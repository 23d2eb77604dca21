/**
 * `node:http2`, gRPC among it. Its channel speaks when a stream has been made: on a connection that stands, the head may have left by then, and
 * an anonymous stream is reset behind it.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Guard } from './guard.ts';
import { hasCertificate, targetOf } from './target.ts';

/** @param isKnown whether a request has been looked at before, by the client that makes it */
export function watchHttp2(guard: Guard, isKnown: (method: string, path: string) => boolean): void {
  subscribe('http2.client.stream.created', (message) => {
    const { stream, headers } = message as {
      readonly stream: ClientHttp2Stream;
      readonly headers: OutgoingHttpHeaders;
    };
    try {
      const error = look(guard, stream, headers, isKnown);
      if (error !== undefined) stream.destroy(error);
    } catch (cause) {
      const error = guard.failed(cause);
      if (error !== undefined) stream.destroy(error);
    }
  });
}

function look(
  guard: Guard,
  { session }: ClientHttp2Stream,
  headers: OutgoingHttpHeaders,
  isKnown: (method: string, path: string) => boolean,
): Error | undefined {
  const [method, path] = [String(headers[':method'] ?? 'GET'), String(headers[':path'] ?? '/')];
  if (method === 'CONNECT' || isKnown(method, path)) return undefined;
  const scheme = headers[':scheme'] === 'http' ? 'http' : 'https';
  const target = targetOf(method, `${scheme}://${String(headers[':authority'] ?? headers['host'] ?? 'unknown')}`, path);
  if (guard.hasCredentials(Object.keys(headers))) guard.passed('credentials');
  else if (guard.isExempt(target)) guard.passed('exempt');
  else if (hasCertificate(session?.socket)) guard.passed('mutualTls');
  else return guard.anonymous(target, guard.capture(target));
  return undefined;
}
