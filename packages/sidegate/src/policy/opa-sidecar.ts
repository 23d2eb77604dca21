/** The real OPA beside us, asked over its REST API: `POST /v1/data/<path>`. No answer, and no clear answer, denies. */
import { AnswerTooLarge, type Clock, type HttpClient, type JsonValue, parseStrictJson } from '@sidegate/sdk';
import type { Decision, PolicyEngine } from './decision.ts';
import { readAnswer } from './policy-answer.ts';

export interface OpaSidecarOptions {
  readonly http: HttpClient;
  /** Scheme, host and port. */
  readonly url: string;
  /** The rule, `<package>/<rule>`. */
  readonly policyPath: string;
  /** For all attempts together. */
  readonly timeoutMs: number;
  /** How often a connection that broke is tried again. */
  readonly retries: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const MAX_ANSWER_BYTES = 1024 * 1024;
/** Whoever answers this has not evaluated anything; 500 is OPA's word for an evaluation that failed. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);
/** Timers are not exact. */
const SLACK_MS = 2;

export function createOpaSidecar(options: OpaSidecarOptions): PolicyEngine {
  const url = `${options.url}/v1/data/${options.policyPath}`;
  return async (input) => {
    const deadline = options.clock.monotonic() + options.timeoutMs;
    const body = JSON.stringify({ input });
    for (let attempt = 0; ; attempt += 1) {
      const left = Math.ceil(deadline - options.clock.monotonic());
      if (left <= 0) return tooLate(options.timeoutMs);
      const outcome = await ask(options.http, { url, body, timeoutMs: left });
      if (typeof outcome === 'object') return outcome;
      // A connection that ends with the time it had has not broken, whatever its error says.
      if (outcome === 'late' || deadline - options.clock.monotonic() < SLACK_MS) return tooLate(options.timeoutMs);
      if (attempt >= options.retries) return failed('OPA cannot be reached');
    }
  };
}

async function ask(
  http: HttpClient,
  { url, body, timeoutMs }: { readonly url: string; readonly body: string; readonly timeoutMs: number },
): Promise<Decision | 'late' | 'broken'> {
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'accept-encoding': 'identity' };
  try {
    const answer = await http({ method: 'POST', url, headers, body, timeoutMs, maxBytes: MAX_ANSWER_BYTES });
    if (AWAY.has(answer.status)) return failed(`OPA answered ${answer.status}`);
    if (answer.status !== 200) return malformed(`OPA answered ${answer.status}`);
    return read(answer.body);
  } catch (error) {
    if (error instanceof AnswerTooLarge) return malformed('OPA answered more than 1 MiB');
    return isTimeout(error) ? 'late' : 'broken';
  }
}

/** `{"result": …}`; without `result` the rule is undefined. */
function read(body: Buffer): Decision {
  let answer: JsonValue;
  try {
    answer = parseStrictJson(body);
  } catch {
    return malformed('OPA answered what is no JSON');
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return malformed('OPA answered no object');
  return readAnswer((answer as Readonly<Record<string, unknown>>)['result']);
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
}

function tooLate(timeoutMs: number): Decision {
  const reasons = [`OPA did not answer within ${timeoutMs} ms`];
  return { allow: false, failure: 'policy_timeout', unavailable: true, reasons };
}

function failed(reason: string): Decision {
  return { allow: false, failure: 'policy_error', unavailable: true, reasons: [reason] };
}

/** OPA is there and does not do what we ask: somebody's mistake, which no fallback should hide. */
function malformed(reason: string): Decision {
  return { allow: false, failure: 'policy_error', reasons: [reason] };
}
