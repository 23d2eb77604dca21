/**
 * One run of the fuzzer of the HTTP front: damaged bytes over a connection in memory, through the reader of connections and targets, and
 * what was taken for a message beside what Node's own strict reader takes it for.
 */
import http, { type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Problem } from '@sidegate/sdk';
import type { InboundRequest, ListenerHandlers } from '../../packages/sidegate/src/net/listener.ts';
import type { Reply } from '../../packages/sidegate/src/net/reply.ts';
import { DEFAULT_TARGET_LIMITS, parseRequestTarget } from '../../packages/sidegate/src/net/request-target.ts';
import { type ConnectionScope, ServerConnection } from '../../packages/sidegate/src/net/server-connection.ts';
import { requestedTunnel } from '../../packages/sidegate/src/net/tunnel.ts';
import { inPieces, mutatedMessage } from './http-mutate.ts';
import { runSeed, SeededRandom } from './seeded-random.ts';

/** What a reader took for one message. */
export interface Taken {
  readonly method: string;
  readonly target: string;
  /** Names and values, one after the other. */
  readonly fields: readonly string[];
  readonly body: string;
}

export interface HttpRun {
  readonly text: string;
  /** In their order, until the first that was refused. */
  readonly ours: readonly Taken[];
  /** Undefined where nothing was accepted, so that there is nothing to compare. */
  readonly theirs: readonly Taken[] | undefined;
  /** A message that Node's reader takes for something else, or for nothing. */
  readonly ambiguous: Taken | undefined;
  readonly crash: unknown;
  /** Of the longest call. */
  readonly milliseconds: number;
}

const MAX_HEADER_BYTES = 8 * 1024;

/** @param elapsed in milliseconds; of what, the caller knows */
export async function fuzzHttpOnce(seed: number, run: number, elapsed: () => number): Promise<HttpRun> {
  const random = new SeededRandom(runSeed(seed, run));
  const text = mutatedMessage(random);
  const pieces = inPieces(random, text);
  let milliseconds = 0;
  const timed = async (call: () => Promise<void>): Promise<void> => {
    const before = elapsed();
    await call();
    milliseconds = Math.max(milliseconds, elapsed() - before);
  };
  let ours: readonly Taken[] = [];
  try {
    ours = await readByUs(pieces, timed);
  } catch (crash) {
    return { text, ours, theirs: undefined, ambiguous: undefined, crash, milliseconds };
  }
  const whole = Buffer.from(text, 'latin1');
  let theirs = ours.length === 0 ? undefined : await readByNode([whole]);
  let ambiguous = theirs && differing(ours, theirs);
  if (ambiguous !== undefined) {
    // An error further on can take messages along that came in the same piece.
    theirs = await readByNode(Array.from(whole, (_, at) => whole.subarray(at, at + 1)));
    ambiguous = differing(ours, theirs);
  }
  return { text, ours, theirs, ambiguous, crash: undefined, milliseconds };
}

function differing(ours: readonly Taken[], theirs: readonly Taken[]): Taken | undefined {
  return ours.find((taken, index) => JSON.stringify(taken) !== JSON.stringify(theirs[index]));
}

/** A socket in memory; what is written to it is forgotten. */
class Wire extends Duplex {
  readonly remoteAddress = '127.0.0.1';

  constructor() {
    super({ read: () => undefined, write: (_bytes, _encoding, done) => done() });
  }

  setTimeout(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }
}

function turnEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function readByUs(
  pieces: readonly Buffer[],
  timed: (call: () => Promise<void>) => Promise<void>,
): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const state: { crash: unknown; refused: boolean } = { crash: undefined, refused: false };
  const wire = new Wire();
  const refuse = (reply: Reply): void => {
    state.refused = true;
    reply.close();
    say(reply, 400);
  };
  const handlers: ListenerHandlers = {
    request: (request, reply) => {
      if (state.refused) state.crash = new Error('a message behind a refused one was looked at');
      if (!isForwarded(request)) {
        refuse(reply);
        return { aborted: () => undefined, broken: () => undefined };
      }
      const chunks: Buffer[] = [];
      const whole = (): void => {
        taken.push(takenFrom(request, chunks));
        say(reply, 200);
      };
      if (request.body === undefined) whole();
      else request.body.receive({ write: (piece) => chunks.push(piece) > 0, end: whole, cut: () => undefined });
      return { aborted: () => undefined, broken: () => refuse(reply) };
    },
    malformed: (_problem, _head, reply) => refuse(reply),
    handshakeFailed: () => undefined,
    mayStay: () => true,
  };
  const scope: ConnectionScope = {
    handlers,
    maxHeaderBytes: MAX_HEADER_BYTES,
    now: 0,
    dateLine: '',
    closing: false,
    onClosed: () => undefined,
  };
  // eslint-disable-next-line no-new -- it listens to the socket
  new ServerConnection(wire as unknown as Socket, scope);
  for (const piece of pieces) {
    if (wire.destroyed) break;
    await timed(async () => {
      wire.push(piece);
      await turnEnd();
    });
  }
  await turnEnd();
  wire.destroy();
  if (state.crash !== undefined) throw state.crash;
  return taken;
}

/** The stages that look at the message itself, before anybody is authenticated. */
function isForwarded(request: InboundRequest): boolean {
  if (requestedTunnel(request) !== undefined) return false;
  if (request.fields.has('expect') && request.fields.single('expect')?.toLowerCase() !== '100-continue') return false;
  try {
    parseRequestTarget(request, DEFAULT_TARGET_LIMITS);
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

function takenFrom({ method, target, fields }: InboundRequest, chunks: readonly Buffer[]): Taken {
  return {
    method,
    target,
    fields: fields.lowerNames.flatMap((_, index) => [fields.name(index), fields.value(index)]),
    body: Buffer.concat(chunks).toString('latin1'),
  };
}

function say(reply: Reply, status: number): void {
  reply.head(status, '', 0);
  reply.end();
}

const reference = http.createServer({ insecureHTTPParser: false, keepAliveTimeout: 0, requestTimeout: 0 });
// What was read before the error is still handed over.
reference.on('clientError', () => undefined);

async function readByNode(pieces: readonly Buffer[]): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  const wire = new Wire();
  const onRequest = (request: IncomingMessage, response: http.ServerResponse): void => {
    if (request.socket !== (wire as unknown as Socket)) return;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url: target = '', rawHeaders: fields } = request;
      taken.push({ method, target, fields, body: Buffer.concat(chunks).toString('latin1') });
      response.end();
    });
  };
  reference.on('request', onRequest);
  wire.on('error', () => undefined);
  reference.emit('connection', wire);
  for (const piece of pieces) {
    wire.push(piece);
    if (pieces.length > 1) await turnEnd();
  }
  for (let turn = 0, before = -1; turn < 50 && (before !== taken.length || turn < 4); turn += 1) {
    before = taken.length;
    await turnEnd();
  }
  wire.destroy();
  reference.off('request', onRequest);
  return taken;
}
