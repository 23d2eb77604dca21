/** Node's `fetch` and undici, by their channels: before a request waits for a connection, and before its head is written. */
import { subscribe } from 'node:diagnostics_channel';
import type { Target } from './exemption.ts';
import type { Guard } from './guard.ts';
import { hasCertificate, targetOf } from './target.ts';

/** What the channels hand out of a request. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  /** Names and values in turn; a text in old versions. */
  readonly headers: readonly unknown[] | string;
  /** Once it has a connection. */
  readonly abort?: ((error: Error) => void) | null;
  onResponseError?(error: Error): void;
  /** In old versions. */
  onError?(error: Error): void;
}

interface Held {
  readonly target: Target;
  readonly capture: Error | undefined;
}

/** @param sending told of each request whose head is about to be written, so that HTTP/2 does not count it again */
export function watchUndici(guard: Guard, sending: (method: string, path: string) => void): void {
  /** Those over TLS, until their connection shows whether it has a certificate. */
  const held = new WeakMap<UndiciRequest, Held>();

  const created = (request: UndiciRequest): void => {
    // A tunnel; what goes through it is a request of its own.
    if (request.method === 'CONNECT') return;
    if (guard.hasCredentials(fieldsOf(request.headers))) return guard.passed('credentials');
    const target = targetOf(request.method, request.origin, request.path);
    if (guard.isExempt(target)) return guard.passed('exempt');
    const capture = guard.capture(target);
    if (target.secure) held.set(request, { target, capture });
    else end(request, guard.anonymous(target, capture));
  };
  const written = (request: UndiciRequest, socket: unknown): void => {
    sending(request.method, request.path);
    const waiting = held.get(request);
    if (waiting === undefined) return;
    held.delete(request);
    if (hasCertificate(socket)) return guard.passed('mutualTls');
    end(request, guard.anonymous(waiting.target, waiting.capture));
  };

  subscribe('undici:request:create', (message) => {
    const { request } = message as { readonly request: UndiciRequest };
    attempt(guard, request, () => created(request));
  });
  subscribe('undici:client:sendHeaders', (message) => {
    const { request, socket } = message as { readonly request: UndiciRequest; readonly socket: unknown };
    attempt(guard, request, () => written(request, socket));
  });
}

function attempt(guard: Guard, request: UndiciRequest, look: () => void): void {
  try {
    look();
  } catch (error) {
    end(request, guard.failed(error));
  }
}

/** Nothing of it has been written in either case: without a connection it is taken out of the queue, with one the socket goes with it. */
function end(request: UndiciRequest, error: Error | undefined): void {
  if (error === undefined) return;
  if (typeof request.abort === 'function') request.abort(error);
  else if (request.onResponseError !== undefined) request.onResponseError(error);
  else request.onError?.(error);
}

function* fieldsOf(headers: UndiciRequest['headers']): Generator<string> {
  if (typeof headers === 'string') {
    for (const line of headers.split('\r\n')) yield line.split(':', 1)[0] ?? '';
  } else {
    for (let index = 0; index < headers.length; index += 2) yield String(headers[index]);
  }
}
