/** A client that sends exactly the bytes it is told to, over TCP or TLS, and reads one answer. */
import net from 'node:net';
import tls from 'node:tls';

export interface WireTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  /** The server's certificate may be for any name. */
  readonly anyName?: boolean;
  readonly ciphers?: string;
}

export interface WireOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: WireTls;
}

export interface WireAnswer {
  readonly status: number;
  /** Lower-case names; a repeated one keeps its last value. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Everything that was received, later answers included. */
  readonly raw: string;
  /** The other side ended the connection; otherwise it was silent for too long, or broke off. */
  readonly ended: boolean;
}

export interface WireRequest {
  readonly method?: string;
  readonly target?: string;
  /** `[name, value, …]`; `Host` is added unless it is there. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

const TIMEOUT_MS = 5_000;

/** Sends one request with `Connection: close` and reads until the other side ends. */
export function sendRequest(options: WireOptions, request: WireRequest = {}): Promise<WireAnswer> {
  const { method = 'GET', target = '/', headers = [], body } = request;
  const names = new Set(headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const fields = [...(names.has('host') ? [] : ['Host', 'localhost']), ...headers];
  if (!names.has('connection')) fields.push('Connection', 'close');
  if (body !== undefined && !names.has('content-length') && !names.has('transfer-encoding')) {
    fields.push('Content-Length', String(Buffer.byteLength(body)));
  }
  const lines: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}\r\n`);
  return sendBytes(
    options,
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`, 'latin1'),
  );
}

/** @throws Error with the socket's code when the handshake fails or nothing is answered */
export async function sendBytes(options: WireOptions, bytes: Buffer): Promise<WireAnswer> {
  const { raw, ended } = await exchangeBytes(options, bytes);
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers, body: rest.join('\r\n\r\n'), raw, ended };
}

function exchangeBytes(options: WireOptions, bytes: Buffer): Promise<Pick<WireAnswer, 'raw' | 'ended'>> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    const chunks: Buffer[] = [];
    const received = (ended: boolean): void => resolve({ raw: Buffer.concat(chunks).toString('latin1'), ended });
    const failed = (error: Error): void => {
      socket.destroy();
      // A refused handshake of TLS 1.3 shows only after the client has spoken.
      if (chunks.length > 0) received(false);
      else reject(error);
    };
    socket.setTimeout(TIMEOUT_MS, () => failed(new Error('no complete answer in time')));
    socket.on('error', failed);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      socket.end();
      if (chunks.length > 0) received(true);
      else reject(new Error('the connection was closed without an answer'));
    });
    socket.once(options.tls === undefined ? 'connect' : 'secureConnect', () => socket.write(bytes));
  });
}

function connect({ port, host = '127.0.0.1', tls: secure }: WireOptions): net.Socket {
  if (secure === undefined) return net.connect(port, host);
  const { ca, cert, key, servername = 'localhost', anyName = false, ciphers } = secure;
  return tls.connect({
    port,
    host,
    ca,
    servername,
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(anyName ? { checkServerIdentity: () => undefined } : {}),
  });
}
