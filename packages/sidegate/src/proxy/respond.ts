/** The only place that writes an error status: RFC 9457 problem details, and a socket left in a known state. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Problem } from '@sidegate/sdk';
import { lingeringClose } from '../net/lingering-close.ts';
import { CORRELATION_HEADER } from './correlation.ts';
import { type Exchange, hasBody } from './exchange.ts';

/** Statuses that speak about the message itself. */
const CLOSING: ReadonlySet<number> = new Set([400, 408, 413, 414, 417, 431, 501, 505]);

/** Answers a refused request; when the answer has already begun, cuts the connection instead. */
export function respond(
  exchange: Exchange,
  problem: Problem,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (response.headersSent) {
    // The client must see a broken message, never a complete-looking one.
    response.destroy();
    return;
  }
  const body = problemBody(exchange, problem);
  // After a doubtful message nothing on this connection can be trusted, and an unread body would have to be read.
  const close = CLOSING.has(problem.row.status) || hasBody(request);
  response.writeHead(problem.row.status, {
    ...problemHeaders(exchange, problem, body),
    ...(close ? { Connection: 'close' } : {}),
  });
  const { socket } = response;
  if (!close || socket === null) {
    response.end(request.method === 'HEAD' ? undefined : body);
    return;
  }
  if (request.method === 'HEAD') response.flushHeaders();
  else response.write(body);
  lingeringClose(socket);
}

/** The same answer where there is no parsed request to answer to; always ends the connection. */
export function respondRaw(exchange: Exchange, problem: Problem, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemBody(exchange, problem);
  const head = Object.entries({ ...problemHeaders(exchange, problem, body), Connection: 'close' });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`HTTP/1.1 ${problem.row.status} ${problem.row.title}\r\n${lines}\r\n${body}`);
  lingeringClose(socket);
}

function problemBody(exchange: Exchange, problem: Problem): string {
  const { status, title } = problem.row;
  return JSON.stringify({ type: 'about:blank', title, status, code: problem.code, request_id: exchange.requestId });
}

function problemHeaders(exchange: Exchange, problem: Problem, body: string): Record<string, string> {
  const challenge = problem.row.challenge;
  return {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Sidegate-Decision': exchange.requestId,
    [CORRELATION_HEADER]: exchange.correlationId,
    ...(challenge === undefined
      ? {}
      : { 'WWW-Authenticate': challenge === '' ? 'Bearer' : `Bearer error="${challenge}"` }),
    ...(problem.retryAfterSeconds === undefined ? {} : { 'Retry-After': String(Math.ceil(problem.retryAfterSeconds)) }),
  };
}
