/** Sends a permitted request on and streams the answer back, with backpressure both ways and nothing buffered. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CORRELATION_HEADER } from './correlation.ts';
import { type Exchange, hasBody } from './exchange.ts';
import type { Permit } from './permit.ts';

/** @throws Problem `upstream_*` or `bad_upstream_response` */
export async function forward(
  permit: Permit,
  headers: string[],
  exchange: Exchange,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { signal } = exchange.cut;
  try {
    signal.throwIfAborted();
    if (request.headers.expect !== undefined) response.writeContinue();
    exchange.forwarded = true;
    await permit.upstream.send(
      {
        method: permit.method,
        path: permit.path,
        headers,
        body: hasBody(request) ? request : null,
        signal,
      },
      response,
      (fields) => [...withoutOurs(fields), CORRELATION_HEADER, exchange.correlationId],
    );
  } catch (error) {
    // Nobody is left to answer: the record says so, and that is all.
    if (exchange.aborted !== true) throw error;
  } finally {
    if (response.headersSent) exchange.status = response.statusCode;
  }
}

/** An upstream cannot speak in our name. */
function withoutOurs(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const lower = name.toLowerCase();
    if (!lower.startsWith('x-sidegate-') && lower !== 'x-correlation-id') kept.push(name, fields[i + 1] ?? '');
  }
  return kept;
}
