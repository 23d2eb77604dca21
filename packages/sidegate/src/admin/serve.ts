/**
 * The admin listener: a closed list of endpoints, found by their exact path. Fails closed: what is no request for one of them is
 * refused, and so is whatever names another host than this machine, because a browser can be led here by any name.
 */
import { asProblem, Problem } from '@sidegate/sdk';
import { type Fields, fieldLine } from '../net/fields.ts';
import type { InboundRequest, ListenerHandlers } from '../net/listener.ts';
import type { Reply } from '../net/reply.ts';
import { DEFAULT_TARGET_LIMITS, parseRequestTarget } from '../net/request-target.ts';
import { requestedTunnel } from '../net/tunnel.ts';
import { correlationIdOf } from '../proxy/correlation.ts';
import { type Respondent, respond } from '../proxy/respond.ts';
import type { RandomHex } from '../telemetry/trace-context.ts';
import type { AdminAnswer } from './answer.ts';
import { readBody } from './read-body.ts';

export interface Endpoint {
  readonly methods: readonly string[];
  /** Bytes of a body that is read; 0: none is wanted. */
  readonly maxBodyBytes: number;
  /** @throws Problem, or rejects with it, to refuse */
  readonly answer: (question: Question) => AdminAnswer | Promise<AdminAnswer>;
}

export interface Question {
  readonly fields: Fields;
  readonly body: Buffer;
}

export interface AdminOptions {
  /** By exact path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Whether a request must name this machine as its host. */
  readonly localOnly: boolean;
  readonly randomHex: RandomHex;
  /** Gets what is `internal`, with its cause, for the log. */
  readonly onInternalError: (requestId: string, problem: Problem) => void;
}

const LOCAL_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

export function serveAdmin(options: AdminOptions): ListenerHandlers {
  const respondentOf = (fields: Fields | undefined): Respondent => ({
    requestId: options.randomHex(16),
    correlationId: fields === undefined ? `req-${options.randomHex(12)}` : correlationIdOf(fields, options.randomHex),
  });
  return {
    request: (request, reply) => {
      const respondent = respondentOf(request.fields);
      void answer(request, reply, options).catch((error: unknown) => {
        const problem = asProblem(error);
        if (problem.row.source === 'internal') options.onInternalError(respondent.requestId, problem);
        respond(respondent, problem, reply, request.body?.whole === false);
      });
      return { aborted: () => undefined, broken: () => undefined };
    },
    malformed: (problem, head, reply) => respond(respondentOf(head?.fields), problem, reply, true),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  };
}

async function answer(request: InboundRequest, reply: Reply, options: AdminOptions): Promise<void> {
  const endpoint = findEndpoint(request, reply, options);
  const { fields } = request;
  if (fields.has('expect')) {
    if (fields.single('expect')?.toLowerCase() !== '100-continue') {
      throw new Problem('expectation_failed', 'Expect asks for something other than 100-continue');
    }
    if (endpoint.maxBodyBytes > 0) reply.continue();
  }
  const body = await readBody(request.body, endpoint.maxBodyBytes);
  const { status, contentType, body: text } = await endpoint.answer({ fields, body });
  const bytes = Buffer.from(text);
  const lines = fieldLine('Content-Type', contentType) + fieldLine('Cache-Control', 'no-store');
  reply.head(status, lines, bytes.length);
  reply.write(bytes);
  reply.end();
}

function findEndpoint(request: InboundRequest, reply: Reply, { endpoints, localOnly }: AdminOptions): Endpoint {
  if (requestedTunnel(request) !== undefined) {
    reply.close();
    throw new Problem('upgrade_not_allowed', 'no tunnel begins here');
  }
  const { method, path, host } = parseRequestTarget(request, DEFAULT_TARGET_LIMITS);
  if (localOnly && !LOCAL_HOSTS.has(host)) {
    throw new Problem('misdirected_request', 'the admin listener serves 127.0.0.1 and localhost only');
  }
  const endpoint = endpoints.get(path);
  if (endpoint === undefined) throw new Problem('route_not_found', 'the admin listener has no such path');
  if (!endpoint.methods.includes(method)) {
    throw new Problem('method_not_allowed', `use ${endpoint.methods.join(' or ')}`, { allow: endpoint.methods });
  }
  return endpoint;
}
