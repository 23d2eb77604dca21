/** `sidegate idp` as a process of its own, asked as different callers: each has its own address of the loopback network. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { startIdpProcess } from '../support/issuer-process.ts';

export interface AskedIssuer extends AsyncDisposable {
  readonly issuer: string;
  /** As a caller whom the limit of failures does not know yet, unless told otherwise. */
  send(request: IssuerRequest): Promise<IssuerAnswer>;
  /** What it has logged of that caller, one object a line. */
  logged(caller: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  output(): string;
}

export interface IssuerRequest {
  /** Default: POST. */
  readonly method?: string;
  /** Default: the token endpoint of realm `services`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** A stream of pieces is sent chunked. */
  readonly body?: string | Buffer | readonly Buffer[];
  /** An address of 127.0.0.0/8. */
  readonly caller?: string;
}

export interface IssuerAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly caller: string;
}

const BASE_URL = 'http://127.0.0.1:8080';

export async function startAskedIssuer(realms: readonly KeycloakRealm[]): Promise<AskedIssuer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-issuer-'));
  const names = realms.map(({ realm }) => `${realm}.json`);
  for (const realm of realms) await writeFile(path.join(directory, `${realm.realm}.json`), JSON.stringify(realm));
  const config = `addr: 127.0.0.1:0\nbase_url: ${BASE_URL}\nrealms: [${names.join(', ')}]\nsigning: { algorithms: [ES256] }\n`;
  await writeFile(path.join(directory, 'idp.yaml'), config);
  const idp = await startIdpProcess(['--config', path.join(directory, 'idp.yaml')]);
  if (idp.url === undefined) throw new Error(idp.stderr());
  let callers = 1;
  return {
    issuer: `${BASE_URL}/realms/services`,
    send: (request) => {
      callers += 1;
      return send(idp.port, { caller: `127.7.${callers >> 8}.${callers & 0xff}`, ...request });
    },
    logged: async (caller) => {
      const lines = () =>
        idp
          .stdout()
          .split('\n')
          .filter((line) => line.includes(`"${caller}"`));
      for (let waited = 0; lines().length === 0 && waited < 200; waited++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return lines().map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    output: () => idp.stdout() + idp.stderr(),
    [Symbol.asyncDispose]: async () => {
      await idp.end();
      await rm(directory, { recursive: true });
    },
  };
}

async function send(port: number, request: IssuerRequest & { readonly caller: string }): Promise<IssuerAnswer> {
  const { method = 'POST', headers = {}, body = '', caller } = request;
  const target = request.path ?? '/realms/services/protocol/openid-connect/token';
  const { promise, resolve, reject } = Promise.withResolvers<IssuerAnswer>();
  const outgoing = http.request(
    { host: '127.0.0.1', port, localAddress: caller, method, path: target, headers: copied(headers), agent: false },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text, caller }));
    },
  );
  // the answer may be there before the whole of a refused body was sent
  outgoing.on('error', reject);
  if (typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
  else {
    for (const piece of body) outgoing.write(piece);
    outgoing.end();
  }
  return promise;
}

function copied(headers: NonNullable<IssuerRequest['headers']>): http.OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}
