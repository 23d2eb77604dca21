/** `node:http` and `node:https`, before the head of a request is written to its socket. */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { Target } from './exemption.ts';
import type { Guard } from './guard.ts';
import { hasCertificate, targetOf } from './target.ts';

/** What Node does not declare: the rendered head, and the function that renders it at the first write. */
type Rendering = ClientRequest & { _header?: string | null; _implicitHeader: () => void };

export function watchHttp(guard: Guard): void {
  subscribe('http.client.request.created', (message) => {
    const { request } = message as { readonly request: Rendering };
    try {
      watchRequest(guard, request);
    } catch (error) {
      const end = guard.failed(error);
      if (end !== undefined) request.destroy(end);
    }
  });
}

function watchRequest(guard: Guard, request: Rendering): void {
  // A tunnel; what goes through it is a request of its own.
  if (request.method === 'CONNECT') return;
  if (guard.hasCredentials(fieldsOf(request))) return guard.passed('credentials');
  const target = targetOfRequest(request);
  if (guard.isExempt(target)) return guard.passed('exempt');
  const capture = guard.capture(target);
  let decided = false;
  const decide = (): void => {
    if (decided) return;
    decided = true;
    if (guard.hasCredentials(fieldsOf(request))) return guard.passed('credentials');
    if (hasCertificate(request.socket)) return guard.passed('mutualTls');
    const error = guard.anonymous(target, capture);
    if (error !== undefined) request.destroy(error);
  };
  // The socket comes before the first byte leaves; the head may be rendered before that or after it.
  request.once('socket', () => {
    if (request.headersSent) decide();
  });
  const render = request._implicitHeader;
  request._implicitHeader = () => {
    render.call(request);
    if (request.socket) decide();
  };
}

/** The names of the fields that are set, or of those of a head that was given as a list. */
function fieldsOf(request: Rendering): readonly string[] {
  const names = request.getHeaderNames();
  if (names.length > 0 || typeof request._header !== 'string') return names;
  return request._header
    .split('\r\n')
    .slice(1)
    .flatMap((line) => line.split(':', 1));
}

/** A request keeps its host; its port stands in the Host field, unless somebody wrote another host there. */
function targetOfRequest(request: Rendering): Target {
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  const field = String(request.getHeader('host') ?? /^host: (.+)$/im.exec(request._header ?? '')?.[1] ?? '');
  const port = field.toLowerCase().startsWith(host.toLowerCase()) ? (/:(\d+)$/.exec(field)?.[0] ?? '') : '';
  return targetOf(request.method, `${request.protocol}//${host}${port}`, request.path);
}
