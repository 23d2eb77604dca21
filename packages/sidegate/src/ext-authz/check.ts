/** One question of Envoy → one answer. Never rejects: a call that fails is one that Envoy may have been told to let pass. */
import { asProblem, type Problem } from '@sidegate/sdk';
import { type Judged, type JudgeQuestionOptions, judgeQuestion, recorded } from '../admin/judge-question.ts';
import { Fields } from '../net/fields.ts';
import { openExchange } from '../proxy/exchange.ts';
import { readCheckRequest } from './check-request.ts';
import { deniedResponse, grantedResponse } from './check-response.ts';

const NO_HEAD = { method: '', target: '', fields: Fields.NONE };

export async function answerCheck(request: Uint8Array, options: JudgeQuestionOptions): Promise<Uint8Array> {
  const judged = await judge(request, options);
  const { exchange } = judged;
  try {
    await recorded([exchange], options);
    return exchange.problem === undefined ? grantedResponse(judged) : deniedResponse(exchange, exchange.problem);
  } catch (error) {
    return deniedResponse(exchange, told(error, exchange.requestId, options));
  }
}

async function judge(request: Uint8Array, options: JudgeQuestionOptions): Promise<Judged> {
  try {
    options.audit().assertAvailable();
    return await judgeQuestion(readCheckRequest(request), options);
  } catch (error) {
    const exchange = openExchange('decision', NO_HEAD, options.ports());
    exchange.problem = told(error, exchange.requestId, options);
    exchange.status = exchange.problem.row.status;
    return { exchange };
  }
}

function told(error: unknown, requestId: string, { onInternalError }: JudgeQuestionOptions): Problem {
  const problem = asProblem(error);
  if (problem.row.source === 'internal') onInternalError(requestId, problem);
  return problem;
}
