/**
 * The decision API: what the data path would decide about a request, without forwarding it. The same stages judge it, and each
 * decision has its record; nothing is answered whose record could not be kept.
 */
import { setImmediate as turnEnd } from 'node:timers/promises';
import { type JsonValue, Problem } from '@sidegate/sdk';
import { json } from './answer.ts';
import { readDecisionRequest, readJson, type TokenPlace } from './decision-request.ts';
import { type Judged, type JudgeQuestionOptions, judgeQuestion, recorded } from './judge-question.ts';
import type { Endpoint, Question } from './serve.ts';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_BATCH = 100;
const NO_ISSUER: TokenPlace = { header: 'authorization', scheme: 'Bearer' };

export function authorizeEndpoints(options: JudgeQuestionOptions): readonly (readonly [path: string, Endpoint])[] {
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

async function decideAll(values: readonly JsonValue[], options: JudgeQuestionOptions): Promise<readonly object[]> {
  const place = options.deps().tokens ?? NO_ISSUER;
  // All of them are read before the first is decided: one that is malformed refuses the whole question.
  const questions = values.map((value) => readDecisionRequest(value, place));
  options.audit().assertAvailable();
  const decided: Judged[] = [];
  for (const question of questions) {
    // What the data path has to do comes in between.
    if (decided.length > 0) await turnEnd();
    decided.push(await judgeQuestion(question, options));
  }
  await recorded(
    decided.map(({ exchange }) => exchange),
    options,
  );
  return decided.map(decisionOf);
}

function decisionOf({ exchange, set }: Judged): object {
  const { problem, decision, status, requestId, correlationId, granted, shadowed } = exchange;
  const reasons = new Set([...(decision?.reasons ?? []), ...(problem === undefined ? [] : [problem.message])]);
  return {
    decision: granted ? 'allow' : 'deny',
    ...(shadowed === undefined ? {} : { shadow: true }),
    status,
    ...(problem === undefined ? {} : { code: problem.code }),
    reasons: [...reasons],
    ...(decision?.rule === undefined ? {} : { rule: decision.rule }),
    ...(set === undefined ? {} : { headers: Object.fromEntries(set.map(({ line }) => splitLine(line))) }),
    request_id: requestId,
    correlation_id: correlationId,
  };
}

function splitLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(': ');
  return [line.slice(0, colon), line.slice(colon + 2, -2)];
}
