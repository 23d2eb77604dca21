/**
 * The decision API: what the data path would decide about a request, without forwarding it. The same stages judge it, and each
 * decision has its record; nothing is answered whose record could not be kept.
 */
import type { X509Certificate } from 'node:crypto';
import { setImmediate as turnEnd } from 'node:timers/promises';
import { asProblem, type JsonValue, Problem } from '@sidegate/sdk';
import type { IngressDeps } from '../ingress/ingress.ts';
import { judge } from '../ingress/judge.ts';
import { ownFields } from '../ingress/shape-headers.ts';
import type { Audit } from '../proxy/audit.ts';
import { type Exchange, type ExchangePorts, openExchange } from '../proxy/exchange.ts';
import { json } from './answer.ts';
import { type DecisionRequest, readDecisionRequest, readJson, type TokenPlace } from './decision-request.ts';
import { presentedPeer } from './presented-certificate.ts';
import type { Endpoint, Question } from './serve.ts';

export interface AuthorizeOptions {
  readonly deps: () => IngressDeps;
  /** Those of `http.tls.client_ca_file`. */
  readonly authorities: () => readonly X509Certificate[];
  readonly audit: () => Audit;
  readonly ports: () => ExchangePorts;
  readonly onEnded: (exchange: Exchange) => void;
  readonly onInternalError: (requestId: string, problem: Problem) => void;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_BATCH = 100;
const NO_ISSUER: TokenPlace = { header: 'authorization', scheme: 'Bearer' };

export function authorizeEndpoints(options: AuthorizeOptions): readonly (readonly [path: string, Endpoint])[] {
  const posting = { methods: ['POST'] } as const;
  return [
    [
      '/v1/authorize',
      {
        ...posting,
        maxBodyBytes: MAX_BODY_BYTES,
        answer: async (question) => json((await decideAll([jsonOf(question)], options))[0]),
      },
    ],
    [
      '/v1/authorize/batch',
      {
        ...posting,
        maxBodyBytes: MAX_BATCH_BYTES,
        answer: async (question) => json({ decisions: await decideAll(batchOf(jsonOf(question)), options) }),
      },
    ],
  ];
}

/** A browser can be made to send any text here, but not under this media type without being asked. */
function jsonOf({ fields, body }: Question): JsonValue {
  const [type = ''] = (fields.single('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() === 'application/json') return readJson(body);
  throw new Problem('media_type_unsupported', 'the question must be application/json');
}

function batchOf(value: JsonValue): readonly JsonValue[] {
  const members = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
  const [[name, requests] = [], ...others] = members;
  if (name !== 'requests' || others.length > 0 || !Array.isArray(requests)) {
    throw new Problem('invalid_request', 'the question is not an object with a list "requests"');
  }
  if (requests.length === 0 || requests.length > MAX_BATCH) {
    throw new Problem('invalid_request', `requests must be 1 to ${MAX_BATCH}`);
  }
  return requests as readonly JsonValue[];
}

async function decideAll(values: readonly JsonValue[], options: AuthorizeOptions): Promise<readonly object[]> {
  const place = options.deps().tokens ?? NO_ISSUER;
  // All of them are read before the first is decided: one that is malformed refuses the whole question.
  const questions = values.map((value) => readDecisionRequest(value, place));
  options.audit().assertAvailable();
  const decided: { readonly exchange: Exchange; readonly decision: object }[] = [];
  for (const question of questions) {
    // What the data path has to do comes in between.
    if (decided.length > 0) await turnEnd();
    decided.push(await decide(question, options));
  }
  await recorded(
    decided.map(({ exchange }) => exchange),
    options,
  );
  return decided.map(({ decision }) => decision);
}

async function decide({ head, certificate }: DecisionRequest, options: AuthorizeOptions) {
  const deps = options.deps();
  const exchange = openExchange('decision', head, options.ports());
  let headers: Readonly<Record<string, string>> | undefined;
  try {
    await judge(exchange, head, deps, {
      peer: () => presentedPeer(certificate, deps.trust, options.authorities()),
      allowed: () => {
        headers = Object.fromEntries(ownFields(exchange, deps.headers).map(({ line }) => splitLine(line)));
        exchange.granted = true;
      },
    });
    exchange.status = 200;
  } catch (error) {
    const problem = asProblem(error);
    exchange.problem = problem;
    exchange.status = problem.row.status;
    if (problem.row.source === 'internal') options.onInternalError(exchange.requestId, problem);
  }
  return { exchange, decision: decisionOf(exchange, headers) };
}

function decisionOf(exchange: Exchange, headers: Readonly<Record<string, string>> | undefined): object {
  const { problem, decision, status, requestId, correlationId, granted, shadowed } = exchange;
  const reasons = new Set([...(decision?.reasons ?? []), ...(problem === undefined ? [] : [problem.message])]);
  return {
    decision: granted ? 'allow' : 'deny',
    ...(shadowed === undefined ? {} : { shadow: true }),
    status,
    ...(problem === undefined ? {} : { code: problem.code }),
    reasons: [...reasons],
    ...(decision?.rule === undefined ? {} : { rule: decision.rule }),
    ...(headers === undefined ? {} : { headers }),
    request_id: requestId,
    correlation_id: correlationId,
  };
}

function splitLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(': ');
  return [line.slice(0, colon), line.slice(colon + 2, -2)];
}

/** @throws Problem `audit_unavailable`, as a rejection */
function recorded(exchanges: readonly Exchange[], { audit, onEnded }: AuthorizeOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let waiting = exchanges.length;
  for (const exchange of exchanges) {
    audit().record(exchange, {
      kept: () => {
        onEnded(exchange);
        waiting -= 1;
        if (waiting === 0) resolve();
      },
      lost: (problem) => {
        exchange.problem = problem;
        onEnded(exchange);
        reject(problem);
      },
    });
  }
  return promise;
}
