/** What stands at the end of a chain of proxies, and the client at its beginning: both say what they saw of a body. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type HandlerApp, startHandlerApp } from '../support/handler-app.ts';

const PIECE = Buffer.alloc(
  64 * 1024,
  Array.from({ length: 251 }, (_, index) => String.fromCharCode(33 + (index % 90))).join(''),
);

/** 100 MiB. */
export const BIG = 1_600 * PIECE.length;

export interface Received {
  readonly status: number;
  readonly bytes: number;
  readonly sha256: string;
  /** JSON, when it was short. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  /** How many bytes of body, and how they are framed. */
  readonly upload?: { readonly bytes: number; readonly framing: 'length' | 'chunked' };
}

export interface Origin extends HandlerApp {
  /** Every request so far: `POST /orders`. */
  readonly seen: readonly string[];
}

/** `GET /big` is answered with 100 MiB, everything else with what arrived. */
export async function startOrigin(): Promise<Origin> {
  const seen: string[] = [];
  const app = await startHandlerApp((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    void (async () => {
      if (request.url === '/big') return pipeline(Readable.from(pieces(BIG)), response);
      const { bytes, sha256 } = await digestOf(request);
      const framing = request.headers['transfer-encoding'] ?? request.headers['content-length'] ?? 'none';
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ bytes, sha256, framing }));
    })().catch(() => request.destroy());
  });
  return { ...app, seen };
}

/** One request over plain HTTP; connections are kept by `agent`. */
export async function send(port: number, { method, path, upload }: Sent, agent: http.Agent): Promise<Received> {
  const headers = {
    host: `localhost:${port}`,
    ...(upload === undefined
      ? {}
      : upload.framing === 'chunked'
        ? { 'transfer-encoding': 'chunked' }
        : { 'content-length': upload.bytes }),
  };
  const request = http.request({ port, host: '127.0.0.1', method, path, headers, agent });
  const answering = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  if (upload === undefined) request.end();
  else await Promise.race([pipeline(Readable.from(pieces(upload.bytes)), request), answering]);
  const answer = await answering;
  const { bytes, sha256, text } = await digestOf(answer);
  const json = answer.headers['content-type']?.includes('json') === true;
  return {
    status: answer.statusCode ?? 0,
    bytes,
    sha256,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** The digest of that many bytes of an upload. */
export function digestOfPieces(bytes: number): string {
  const digest = createHash('sha256');
  for (const piece of pieces(bytes)) digest.update(piece);
  return digest.digest('hex');
}

function* pieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, Math.min(left, PIECE.length));
}

async function digestOf(stream: AsyncIterable<unknown>) {
  const digest = createHash('sha256');
  let bytes = 0;
  let text = '';
  for await (const chunk of stream) {
    const buffer = chunk as Buffer;
    digest.update(buffer);
    bytes += buffer.length;
    if (bytes < 10_000) text += buffer.toString('utf8');
  }
  return { bytes, sha256: digest.digest('hex'), text };
}
