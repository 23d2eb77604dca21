/** HTTP around the endpoints: which path is which endpoint, which methods it takes, how an answer is written. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { fieldLine } from '../../net/fields.ts';
import type { InboundRequest, ListenerHandlers } from '../../net/listener.ts';
import type { Reply } from '../../net/reply.ts';
import { requestedTunnel } from '../../net/tunnel.ts';
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
  readonly answer: (request: InboundRequest) => Answer | Promise<Answer>;
}

/** @param endpoints by realm name */
export function serve(endpoints: ReadonlyMap<string, TokenEndpoint>): ListenerHandlers {
  return {
    request: (request, reply) => {
      void respond(request, reply, endpoints);
      return { aborted: () => undefined, broken: () => undefined };
    },
    malformed: ({ row }, _head, reply) => write(reply, failure(row.status, 'invalid_request', row.title)),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  };
}

async function respond(
  request: InboundRequest,
  reply: Reply,
  endpoints: ReadonlyMap<string, TokenEndpoint>,
): Promise<void> {
  const answer = await answerTo(request, reply, endpoints);
  // What was not read of a request is not worth keeping its connection for.
  if (request.body?.whole === false) reply.close();
  write(reply, answer);
}

function answerTo(
  request: InboundRequest,
  reply: Reply,
  endpoints: ReadonlyMap<string, TokenEndpoint>,
): Answer | Promise<Answer> {
  if (requestedTunnel(request) !== undefined) {
    reply.close();
    return failure(400, 'invalid_request', 'no tunnel begins here');
  }
  const [path = ''] = targetOf(request).split('?', 1);
  const route = findRoute(path, endpoints);
  if (route === undefined) return failure(404, 'not_found', 'there is no such endpoint');
  if (!route.methods.includes(request.method)) {
    const allow = route.methods.join(', ');
    return { ...failure(405, 'invalid_request', `use ${allow}`), headers: { allow } };
  }
  if (request.fields.has('expect')) {
    if (request.fields.single('expect')?.toLowerCase() !== '100-continue') {
      return failure(417, 'invalid_request', 'only 100-continue can be expected');
    }
    reply.continue();
  }
  return route.answer(request);
}

/** Origin form; a server takes the absolute form as well (RFC 9112 section 3.2.2). */
function targetOf({ target }: InboundRequest): string {
  return target.replace(/^https?:\/\/[^/?]+/i, '');
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

function read(request: InboundRequest) {
  const { fields, body, socket } = request;
  return {
    contentType: fields.single('content-type'),
    authorization: fields.all('authorization'),
    hasQuery: request.target.includes('?'),
    readBody: () => readRequestBody(body, BODY_LIMITS),
    peer: peerOf(socket),
    remoteAddress: socket.remoteAddress,
  };
}

function peerOf(socket: Socket): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = socket.getPeerX509Certificate();
  return certificate && { raw: certificate.raw, verified: socket.authorized };
}

function failure(status: number, error: string, description: string): Answer {
  return { status, headers: {}, body: { error, error_description: description } };
}

function write(reply: Reply, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(JSON.stringify(body));
  const fields = { ...('cache-control' in headers ? {} : UNCACHED), 'content-type': 'application/json', ...headers };
  if (headers['connection'] === 'close') reply.close();
  const lines = Object.entries(fields).map(([name, value]) => (name === 'connection' ? '' : fieldLine(name, value)));
  reply.head(status, lines.join(''), bytes.length);
  reply.write(bytes);
  reply.end();
}
