/** A server that speaks the part of Vault's HTTP API that settings need: logins, KV version 2, renewal; and whatever else a test wants. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

interface VaultCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

interface VaultAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface VaultServer extends AsyncDisposable {
  readonly address: string;
  readonly calls: readonly VaultCall[];
  /** `mount/path` → fields of the latest version. */
  readonly secrets: Map<string, Readonly<Record<string, unknown>>>;
  /** Tokens that hold. */
  readonly tokens: Set<string>;
  leaseSeconds: number;
  renewable: boolean;
  /** Answers instead of the real thing, where it returns something. */
  instead: (call: VaultCall) => VaultAnswer | 'reset' | undefined;
}

export const ROLE_ID = 'role-of-order-service';
export const SECRET_ID = 'canary-secret-id';
export const ACCOUNT_TOKEN = 'canary-service-account-token';

export async function startVaultServer(): Promise<VaultServer> {
  const calls: VaultCall[] = [];
  let issued = 0;
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = (text === '' ? {} : JSON.parse(text)) as VaultCall['body'];
      const call = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      calls.push(call);
      const chosen = server.instead(call) ?? answerTo(call);
      if (chosen === 'reset') {
        request.socket.destroy();
        return;
      }
      const content = typeof chosen.body === 'string' ? chosen.body : JSON.stringify(chosen.body);
      response.writeHead(chosen.status, { 'content-type': 'application/json', ...chosen.headers }).end(content);
    });
  });
  const denied: VaultAnswer = { status: 403, body: { errors: ['permission denied'] } };
  const login = (): VaultAnswer => {
    const token = `hvs.canary-${(issued += 1)}`;
    server.tokens.add(token);
    const auth = { client_token: token, lease_duration: server.leaseSeconds, renewable: server.renewable };
    return { status: 200, body: { lease_id: '', auth, data: null } };
  };
  const answerTo = ({ method, path, headers, body }: VaultCall): VaultAnswer => {
    const token = String(headers['x-vault-token']);
    if (path === '/v1/auth/approle/login') {
      return body['role_id'] === ROLE_ID && body['secret_id'] === SECRET_ID ? login() : { ...denied, status: 400 };
    }
    if (path === '/v1/auth/kubernetes/login') {
      return body['role'] === 'order-service' && body['jwt'] === ACCOUNT_TOKEN ? login() : denied;
    }
    if (!server.tokens.has(token)) return denied;
    if (path === '/v1/auth/token/renew-self') {
      const auth = { client_token: token, lease_duration: server.leaseSeconds, renewable: server.renewable };
      return { status: 200, body: { auth } };
    }
    const [, mount = '', name = ''] = /^\/v1\/([^/]+)\/data\/(.+)$/.exec(path) ?? [];
    const fields = server.secrets.get(`${mount}/${name}`);
    if (method !== 'GET' || fields === undefined) return { status: 404, body: { errors: [] } };
    return { status: 200, body: { lease_duration: 0, data: { data: fields, metadata: { version: 1 } } } };
  };
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: VaultServer = {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    calls,
    secrets: new Map(),
    tokens: new Set(),
    leaseSeconds: 3600,
    renewable: true,
    instead: () => undefined,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}
