/** What went wrong with a call: no answer (a Problem), or one that is no success. */
import { isJsonObject, type JsonValue } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { isTlsFailure } from '../runtime/verified-tls.ts';

/** A service answered, and not with success. */
export class ServiceResponseError extends Error {
  override readonly name = 'ServiceResponseError';
  readonly status: number;
  /** `code` of a problem of RFC 9457, or `error` of an older body; undefined: the answer has none. */
  readonly code: string | undefined;
  /** Whole seconds of `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** The answer as JSON, up to 64 KiB; undefined: it is none. Not part of the message: it may hold anything. */
  readonly body: JsonValue | undefined;

  constructor(call: string, { status, headers }: Response, body: JsonValue | undefined) {
    const code = codeIn(body);
    super(`${call} answered ${status}${code === undefined ? '' : ` (${code})`}`);
    this.status = status;
    this.code = code;
    const seconds = headers.get('retry-after') ?? '';
    this.retryAfterSeconds = /^\d{1,6}$/.test(seconds) ? Number(seconds) : undefined;
    Object.defineProperty(this, 'body', { value: body, enumerable: false });
  }
}

/** Why there was no answer. @param call for people, such as `GET https://inventory.internal/items` */
export function failureOf(error: unknown, call: string): Problem {
  if (error instanceof Problem) return error;
  const codes = [...causes(error)].map((cause) =>
    'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name,
  );
  const timedOut = codes.some((code) => /TIMEOUT|TimeoutError|ETIMEDOUT/i.test(code));
  if (timedOut) return new Problem('upstream_timeout', `${call}: no answer in time`, { cause: error });
  const tls = codes.find(isTlsFailure);
  if (tls !== undefined) return new Problem('upstream_tls', `${call}: ${tls}`, { cause: error });
  return new Problem('upstream_unreachable', `${call}: ${codes.at(-1) ?? 'no answer'}`, { cause: error });
}

function* causes(error: unknown): Generator<Error> {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    yield current;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
}

function codeIn(body: JsonValue | undefined): string | undefined {
  if (body === undefined || !isJsonObject(body)) return undefined;
  const code = body['code'] ?? body['error'];
  return typeof code === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(code) ? code : undefined;
}
