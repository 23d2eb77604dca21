/** HTTP around the endpoints: which path is which endpoint, which methods it takes, how an answer is written. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { ListenerHandlers } from '../../net/listener.ts';
import type { Answer } from './answer.ts';
import { answerJwks } from './jwks-endpoint.ts';
import { answerMetadata } from './metadata-endpoint.ts';
import type { PeerCertificate } from './peer-certificate.ts';
import { readRequestBody } from './request-body.ts';
import { answerTokenRequest, type TokenEndpoint } from './token-endpoint.ts';

const BODY_LIMITS = { maxBytes: 64 * 1024, timeoutMs: 10_000 } as const;

/** Token answers and refusals must stay out of caches (RFC 6749 section 5.1); endpoints that may be cached say so. */
const UNCACHED = { 'cache-control': 'no-store', pragma: 'no-cache' } as const;

interface Route {
  readonly methods: readonly string[];
  readonly answer: (request: IncomingMessage) => Answer | Promise<Answer>;
}

/** @param endpoints by realm name */
export function serve(endpoints: ReadonlyMap<string, TokenEndpoint>): ListenerHandlers {
  return {
    request: (request, response) => void respond(request, response, endpoints),
    upgrade: (_request, socket) => refuseRaw(socket, 400),
    unparseable: ({ code }, socket) => refuseRaw(socket, RAW_STATUS.get(code) ?? 400),
    handshakeFailed: () => undefined,
  };
}

const RAW_STATUS: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: ReadonlyMap<string, TokenEndpoint>,
): Promise<void> {
  const [path = ''] = targetOf(request).split('?', 1);
  const route = findRoute(path, endpoints);
  if (route === undefined) return write(response, failure(404, 'not_found', 'there is no such endpoint'));
  if (!route.methods.includes(request.method ?? '')) {
    const allow = route.methods.join(', ');
    return write(response, { ...failure(405, 'invalid_request', `use ${allow}`), headers: { allow } });
  }
  if (request.headers.expect !== undefined) {
    if (request.headers.expect.toLowerCase() !== '100-continue') {
      return write(response, failure(417, 'invalid_request', 'only 100-continue can be expected'));
    }
    response.writeContinue();
  }
  write(response, await route.answer(request));
}

/** Origin form; a server takes the absolute form as well (RFC 9112 section 3.2.2). */
function targetOf({ url = '' }: IncomingMessage): string {
  return url.replace(/^https?:\/\/[^/?]+/i, '');
}

function findRoute(path: string, endpoints: ReadonlyMap<string, TokenEndpoint>): Route | undefined {
  const [, name = '', rest = ''] = /^\/realms\/([^/]+)(\/.+)$/.exec(path) ?? [];
  const endpoint = endpoints.get(name);
  switch (rest) {
    case '/protocol/openid-connect/token':
      return endpoint && { methods: ['POST'], answer: (request) => answerTokenRequest(read(request), endpoint) };
    case '/protocol/openid-connect/certs':
      return endpoint && { methods: ['GET', 'HEAD'], answer: () => answerJwks(endpoint.keys) };
    case '/.well-known/openid-configuration':
      return endpoint && metadata(endpoint);
    default: {
      // RFC 8414 section 3.1 puts the well-known part first
      const [, issuer = ''] = /^\/\.well-known\/oauth-authorization-server\/realms\/([^/]+)$/.exec(path) ?? [];
      const named = endpoints.get(issuer);
      return named && metadata(named);
    }
  }
}

function metadata({ realm, keys }: TokenEndpoint): Route {
  return { methods: ['GET', 'HEAD'], answer: () => answerMetadata(realm, keys) };
}

function read(request: IncomingMessage) {
  return {
    contentType: request.headers['content-type'],
    authorization: request.headersDistinct.authorization ?? [],
    hasQuery: request.url?.includes('?') === true,
    readBody: () => readRequestBody(request, BODY_LIMITS),
    peer: peerOf(request),
    remoteAddress: request.socket.remoteAddress,
  };
}

function peerOf({ socket }: IncomingMessage): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate && { raw: certificate.raw, verified: socket.authorized };
}

function failure(status: number, error: string, description: string): Answer {
  return { status, headers: {}, body: { error, error_description: description } };
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...('cache-control' in headers ? {} : UNCACHED),
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  response.end(text);
}

/** Where no response object exists: the message could not be read as one. */
function refuseRaw(socket: Duplex, status: number): void {
  if (socket.writable)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
