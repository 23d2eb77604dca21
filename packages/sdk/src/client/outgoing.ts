/** A call before it is sent: method, headers and body, with nothing in it that only a client's credentials may say. */
import type { CallContext } from '../context/call-context.ts';

/** Fields that prove or tell who somebody is: what came in with a request must never leave with another. */
const NEVER_BY_HAND: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'dpop',
  'txn-token',
  'x-service-token',
  'x-user-context',
  'client-cert',
  'client-cert-chain',
  'x-forwarded-client-cert',
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'upgrade',
]);

type Forbidden =
  | 'authorization'
  | 'Authorization'
  | 'cookie'
  | 'Cookie'
  | 'proxy-authorization'
  | 'Proxy-Authorization';

/** Credentials are the client's business: these names do not compile, and all others like them are refused when called. */
export type CallHeaders = Readonly<Record<string, string | undefined>> & { readonly [Name in Forbidden]?: never };

export interface CallInit {
  readonly method?: string;
  readonly headers?: CallHeaders;
  /** A stream cannot be sent twice, so a call with one is never repeated. */
  readonly body?: string | Uint8Array | URLSearchParams | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

export interface Outgoing {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes; undefined: none, or a stream. */
  readonly bytes: Uint8Array | undefined;
  readonly stream: ReadableStream<Uint8Array> | undefined;
}

const METHOD = /^[A-Z]{1,16}$/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,128}$/;
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/;

/** @throws TypeError when it says what only credentials may say */
export function readCall({ method = 'GET', headers = {}, body }: CallInit): Outgoing {
  if (!METHOD.test(method)) throw new TypeError('a method is written in capital letters');
  const fields: Record<string, string> = {};
  for (const [written, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const name = written.toLowerCase();
    if (NEVER_BY_HAND.has(name) || name.startsWith('x-user-') || name.startsWith('x-service-')) {
      throw new TypeError(
        `the header ${name} is set by the client itself: whatever came with another request stays there`,
      );
    }
    if (!FIELD_NAME.test(name) || typeof value !== 'string' || !FIELD_VALUE.test(value)) {
      throw new TypeError('a header is a name and a text without control characters');
    }
    fields[name] = value;
  }
  if (body instanceof ReadableStream) return { method, headers: fields, bytes: undefined, stream: body };
  if (body instanceof URLSearchParams) fields['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8';
  const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(body.toString());
  return { method, headers: fields, bytes, stream: undefined };
}

/** @throws TypeError when a field or the URL holds the token of the request that arrived: these calls speak for this service alone */
export function refuseUserToken(
  headers: Readonly<Record<string, string>>,
  { href }: URL,
  { subjectToken }: CallContext,
): void {
  if (subjectToken === undefined || subjectToken === '') return;
  const header = Object.entries(headers).find(([, value]) => value.includes(subjectToken))?.[0];
  if (header === undefined && !href.includes(subjectToken)) return;
  const place = header === undefined ? 'the URL' : `the header ${header}`;
  throw new TypeError(`${place} holds the token of the user: it must be exchanged, never handed on`);
}
