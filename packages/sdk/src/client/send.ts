/** One call: proven, sent, and where its method allows it sent again. Fails closed: without a proof nothing leaves. */
import type { BodyInit } from 'undici';
import { contextHeaders, currentContext } from '../context/call-context.ts';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { failureOf } from './call-failure.ts';
import type { Connections } from './connections.ts';
import type { Credentials, OutgoingRequest } from './credentials.ts';
import { type CallInit, type Outgoing, readCall, refuseUserToken } from './outgoing.ts';
import { isIdempotent, pause, pauseAfter } from './retry.ts';
import type { Target } from './target.ts';

export interface SenderOptions {
  readonly target: Target;
  readonly credentials: Credentials | undefined;
  readonly pool: Connections;
  readonly runtime: Runtime;
  readonly timeoutMs: number;
  readonly retries: number;
}

type Send = (path: string | URL, init?: CallInit) => Promise<Response>;

export function createSender({ target, credentials, pool, runtime, timeoutMs, retries }: SenderOptions): Send {
  return async (path, init = {}) => {
    const url = target.resolve(path);
    const call = readCall(init);
    const name = `${call.method} ${url.pathname} of ${target.origin}`;
    const again = isIdempotent(call.method) && call.stream === undefined ? retries : 0;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await proven(url, call, init.signal).catch((error: unknown) =>
        failureFrom(error, name, init.signal),
      );
      const failure = outcome instanceof Problem ? outcome : undefined;
      const answer = outcome instanceof Problem ? undefined : outcome;
      const mayRepeat = attempt < again && failure?.code !== 'upstream_tls';
      const waitMs = mayRepeat ? pauseAfter(answer, attempt, runtime.random) : undefined;
      if (waitMs === undefined) {
        if (answer !== undefined) return answer;
        throw outcome;
      }
      await answer?.body?.cancel();
      await pause(waitMs, runtime, init.signal);
    }
  };

  /** A refused proof is replaced by a fresh one, once, and only by another than was refused. */
  async function proven(url: URL, call: Outgoing, signal: AbortSignal | undefined): Promise<Response> {
    const first = await prepared(url, call);
    const answer = await once(first, call.stream, signal);
    const wanted = credentials?.answered?.(first, answer) ?? false;
    if (answer.status !== 401 || credentials === undefined) return answer;
    if (!wanted) credentials.refused(first);
    if (call.stream !== undefined) return answer;
    const second = await prepared(url, call);
    if (!wanted && isSame(second.proof, first.proof)) return answer;
    await answer.body?.cancel();
    const last = await once(second, undefined, signal);
    credentials.answered?.(second, last);
    return last;
  }

  async function prepared(url: URL, { method, headers, bytes }: Outgoing): Promise<Prepared> {
    const context = currentContext();
    const told = { ...contextHeaders(context), ...headers };
    const request = { method, url, headers: told, body: bytes };
    const proof = credentials === undefined ? {} : await withoutProof(credentials.authorize(request));
    const all = { ...told, ...proof };
    refuseUserToken(all, url, context);
    return { ...request, headers: all, proof };
  }

  async function once(
    { method, url, headers, body }: Prepared,
    stream: ReadableStream<Uint8Array> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { fetch } = await import('undici');
    const limit = AbortSignal.timeout(timeoutMs);
    const answer = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      dispatcher: await pool.agent(),
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      ...(body === undefined ? {} : { body }),
      ...(stream === undefined ? {} : { body: stream as BodyInit, duplex: 'half' as const }),
    });
    return answer;
  }
}

interface Prepared extends OutgoingRequest {
  readonly proof: Readonly<Record<string, string>>;
}

/** A DPoP proof is another one each time; what was refused is the token beside it. */
function isSame(one: Prepared['proof'], other: Prepared['proof']): boolean {
  return JSON.stringify({ ...one, dpop: undefined }) === JSON.stringify({ ...other, dpop: undefined });
}

/** What credentials reject with is final: trying again is their own business. */
class NoProof extends Error {}

async function withoutProof<T>(proof: Promise<T>): Promise<T> {
  try {
    return await proof;
  } catch (cause) {
    throw new NoProof('no proof', { cause });
  }
}

/** @throws what is not the network's: it is the caller's own doing, or that of the credentials */
function failureFrom(error: unknown, name: string, signal: AbortSignal | undefined): Problem {
  if (error instanceof NoProof) throw error.cause;
  if (signal?.aborted === true) throw signal.reason;
  if (error instanceof Problem) throw error;
  if (error instanceof TypeError && error.cause === undefined) throw error;
  return failureOf(error, name);
}
