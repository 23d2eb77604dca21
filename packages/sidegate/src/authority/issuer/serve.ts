/** HTTP around the endpoints: which path is which endpoint, which methods it takes, how an answer is written. */
import { fieldLine } from '../../net/fields.ts';
import type { InboundRequest, ListenerHandlers } from '../../net/listener.ts';
import type { Reply } from '../../net/reply.ts';
import { requestedTunnel } from '../../net/tunnel.ts';
import type { Answer } from './answer.ts';

/** Token answers and refusals must stay out of caches (RFC 6749 section 5.1); endpoints that may be cached say so. */
const UNCACHED = 'cache-control: no-store\r\npragma: no-cache\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';

export interface Route {
  readonly methods: readonly string[];
  readonly answer: (request: InboundRequest) => Answer | Promise<Answer | StreamedAnswer>;
}

/** An answer that goes on until one of both sides ends it. */
export interface StreamedAnswer {
  /** Begins it; what is returned is called when the client has gone. */
  readonly stream: (reply: Reply) => () => void;
}

/** The endpoint at a path without its query; undefined: none of these. */
export type Routes = (path: string) => Route | undefined;

/** @param routes asked in turn; the first that knows the path answers */
export function serve(routes: readonly Routes[]): ListenerHandlers {
  return {
    request: (request, reply) => {
      let gone = false;
      let leave: (() => void) | undefined;
      void respond(request, reply, routes).then((left) => {
        if (gone) left?.();
        else leave = left;
      });
      return {
        aborted: () => {
          gone = true;
          leave?.();
        },
        broken: () => undefined,
      };
    },
    malformed: ({ row }, _head, reply) => write(reply, failure(row.status, 'invalid_request', row.title)),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  };
}

/** @returns what is called when the client has gone; undefined: the answer is whole */
async function respond(
  request: InboundRequest,
  reply: Reply,
  routes: readonly Routes[],
): Promise<(() => void) | undefined> {
  const answer = await answered(request, reply, routes);
  // What was not read of a request is not worth keeping its connection for.
  if (request.body?.whole === false) reply.close();
  if ('stream' in answer) return answer.stream(reply);
  write(reply, answer);
  return undefined;
}

/** One endpoint that breaks takes nobody else's along. */
async function answered(
  request: InboundRequest,
  reply: Reply,
  routes: readonly Routes[],
): Promise<Answer | StreamedAnswer> {
  try {
    return await answerTo(request, reply, routes);
  } catch {
    reply.close();
    return failure(500, 'server_error', 'the request could not be answered');
  }
}

function answerTo(request: InboundRequest, reply: Reply, routes: readonly Routes[]): ReturnType<Route['answer']> {
  if (requestedTunnel(request) !== undefined) {
    reply.close();
    return failure(400, 'invalid_request', 'no tunnel begins here');
  }
  const [path = ''] = targetOf(request).split('?', 1);
  const route = findRoute(path, routes);
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

function findRoute(path: string, routes: readonly Routes[]): Route | undefined {
  for (const find of routes) {
    const route = find(path);
    if (route !== undefined) return route;
  }
  return undefined;
}

function failure(status: number, error: string, description: string): Answer {
  return { status, headers: {}, body: { error, error_description: description } };
}

function write(reply: Reply, { status, headers, body }: Answer): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  let lines = 'cache-control' in headers ? '' : UNCACHED;
  if (!('content-type' in headers)) lines += JSON_TYPE;
  for (const [name, value] of Object.entries(headers)) {
    // what becomes of the connection, the reply says itself
    if (name === 'connection' && value === 'close') reply.close();
    else lines += fieldLine(name, value);
  }
  reply.head(status, lines, bytes.length);
  reply.write(bytes);
  reply.end();
}
