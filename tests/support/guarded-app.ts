/**
 * An application as `node --import @sidegate/sdk/guard` runs it: makes the calls that its first argument lists, one after another, and
 * writes what each of them got.
 */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { Worker } from 'node:worker_threads';
import { Agent, Client, Pool, request, fetch as undiciFetch } from 'undici';

export type ClientName = keyof typeof CLIENTS;

export interface GuardedCall {
  readonly client: ClientName;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  readonly times?: number;
}

export interface CallOutcome {
  readonly status?: number;
  /** Of the error, or of its cause. */
  readonly code?: string;
}

type Send = (call: GuardedCall) => Promise<number>;

const CLIENTS = {
  async fetch({ url, headers = {}, tls }) {
    // Node's own, which takes the dispatcher of another undici.
    const dispatcher = tls === undefined ? {} : { dispatcher: new Agent({ connect: tls }) };
    return (await fetch(url, { headers, ...dispatcher } as RequestInit)).status;
  },
  async undiciFetch({ url, headers = {}, tls = {} }) {
    return (await undiciFetch(url, { headers, dispatcher: new Agent({ connect: tls }) })).status;
  },
  async undiciRequest({ url, headers = {}, tls = {} }) {
    const { statusCode, body } = await request(url, {
      headers,
      dispatcher: new Agent({ connect: tls, allowH2: false }),
    });
    await body.dump();
    return statusCode;
  },
  async undiciPost({ url, headers = {}, tls = {} }) {
    const pool = new Pool(new URL(url).origin, { connect: tls, connections: 1 });
    const path = new URL(url).pathname;
    const { statusCode, body } = await pool.request({ method: 'POST', path, headers, body: 'x'.repeat(100_000) });
    await body.dump();
    return statusCode;
  },
  async undiciHttp2({ url, headers = {}, tls = {} }) {
    const client = new Client(new URL(url).origin, { connect: tls, allowH2: true });
    const { statusCode, body } = await client.request({ method: 'GET', path: new URL(url).pathname, headers });
    await body.dump();
    return statusCode;
  },
  httpGet: ({ url, headers = {}, tls = {} }) =>
    answered((url.startsWith('https') ? https : http).get(url, { headers, ...tls })),
  httpAgent({ url, headers = {}, tls = {} }) {
    const secure = url.startsWith('https');
    const agent = secure ? new https.Agent({ ...tls, keepAlive: true }) : new http.Agent({ keepAlive: true });
    return answered((secure ? https : http).get(url, { agent, headers }));
  },
  /** The head leaves with the first piece of the body, long before the request ends. */
  async httpStream({ url, headers = {}, tls = {} }) {
    const sent = (url.startsWith('https') ? https : http).request(url, { method: 'POST', ...tls });
    const status = answered(sent);
    status.catch(() => {});
    sent.on('socket', (socket) => socket.once(url.startsWith('https') ? 'secureConnect' : 'connect', () => write()));
    const write = (): void => {
      for (const [name, value] of Object.entries(headers)) sent.setHeader(name, value);
      sent.write('first');
      setTimeout(() => sent.end('last'), 20);
    };
    return status;
  },
  /** Fields given as a list are rendered when the request is made. */
  httpList: ({ url, headers = {} }) => {
    const list = [['Host', new URL(url).host], ...Object.entries(headers)];
    return answered(http.get(url, { headers: list as never }));
  },
  async http2({ url, headers = {}, tls = {} }) {
    const session = http2.connect(url, tls);
    session.on('error', () => {});
    const stream = session.request({ ':path': new URL(url).pathname, ...headers });
    const [fields] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    session.close();
    stream.close();
    return Number(fields[':status']);
  },
  async worker({ url }) {
    const program = `import { parentPort } from 'node:worker_threads';
      const answer = await fetch(${JSON.stringify(url)}).catch((error) => { throw error.cause; });
      parentPort.postMessage(answer.status);`;
    const [status] = (await once(
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`)),
      'message',
    )) as [number];
    return status;
  },
} satisfies Record<string, Send>;

async function answered(sent: http.ClientRequest): Promise<number> {
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

async function callEach(calls: readonly GuardedCall[]): Promise<readonly CallOutcome[]> {
  const outcomes: CallOutcome[] = [];
  for (const call of calls) {
    for (let turn = 0; turn < (call.times ?? 1); turn += 1) outcomes.push(await outcomeOf(call));
  }
  return outcomes;
}

async function outcomeOf(call: GuardedCall): Promise<CallOutcome> {
  try {
    return { status: await CLIENTS[call.client](call) };
  } catch (error) {
    const { code, cause } = error as { readonly code?: string; readonly cause?: { readonly code?: string } };
    return { code: cause?.code ?? code ?? String(error) };
  }
}

if (process.argv[2] !== undefined) {
  process.stdout.write(JSON.stringify(await callEach(JSON.parse(process.argv[2]) as readonly GuardedCall[])));
  process.exit();
}
