/** For whom and in which trace calls are made: set once where a request arrives, known in everything that follows from it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

export interface CallContext {
  /** On whose behalf, as `X-User-Context` tells the next service, which believes it of services that it knows. */
  readonly userId?: string;
  /** W3C Trace Context of the request that arrived. */
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** The token of the request that arrived: shown to the issuer when it is exchanged, and never to another service. */
  readonly subjectToken?: string;
}

/** Ambient by nature: one per process, holding nothing between calls. */
const storage = new AsyncLocalStorage<CallContext>();

/** One visible word, as the ingress of the next service takes it. */
const USER_ID = /^[\x21-\x7e]{1,256}$/;
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/**
 * Runs something for somebody: calls of service clients within it carry the user and the trace on.
 *
 * @example
 * ```ts
 * import { runWithContext, serviceClient, staticToken } from '@sidegate/sdk/client';
 *
 * const credentials = staticToken('for-development');
 * const orders = serviceClient({ target: 'http://localhost:8080', credentials, development: true });
 * const order = await runWithContext({ userId: 'user-123' }, () => orders.json('/orders/42'));
 * ```
 * @throws TypeError when the user's id is not one word of visible ASCII characters
 */
export function runWithContext<T>(context: CallContext, run: () => T): T {
  checkUserId(context);
  return within(context, run);
}

/** As {@link runWithContext}, with a user whose id is looked at when a call is made for him. */
export function within<T>(context: CallContext, run: () => T): T {
  return storage.run(context, run);
}

export function currentContext(): CallContext {
  return storage.getStore() ?? {};
}

/**
 * The fields that carry it on: a span of our own in the same trace, or in a new one where what arrived is none.
 *
 * @throws TypeError when the user cannot be told: a call for nobody would be another call
 */
export function contextHeaders(context: CallContext): Record<string, string> {
  checkUserId(context);
  const { userId, traceparent, tracestate } = context;
  const [, traceId, flags = '00'] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const carried = traceId !== undefined && tracestate !== undefined && TRACESTATE.test(tracestate);
  return {
    traceparent: `00-${traceId ?? hex(16)}-${hex(8)}-${flags}`,
    ...(carried ? { tracestate } : {}),
    ...(userId === undefined ? {} : { 'x-user-context': userId }),
  };
}

function checkUserId({ userId }: CallContext): void {
  if (userId === undefined || USER_ID.test(userId)) return;
  throw new TypeError('the id of a user is one word of at most 256 visible ASCII characters');
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
