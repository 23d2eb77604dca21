/** A request as an authenticator sees it, without a socket: for tables of what it makes of header fields and bodies. */
import type { Credentials, OutgoingRequest } from '../../packages/sdk/src/client/credentials.ts';
import type { ReceivedRequest } from '../../packages/sdk/src/server/received-request.ts';

export interface RequestParts {
  readonly method?: string;
  /** Of its URL: host, path and query. */
  readonly url?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
}

export function receivedRequest({
  method = 'POST',
  url = 'https://service-b/process',
  headers = [],
  body = '',
}: RequestParts): ReceivedRequest {
  const { host, pathname, search } = new URL(url);
  const fields = [['host', host] as const, ...headers];
  return {
    method,
    target: pathname + search,
    values: (name) => fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value),
    clientCertificate: undefined,
    remoteAddress: '127.0.0.1',
    body: async () => Buffer.from(body),
  };
}

export function outgoingRequest({
  method = 'POST',
  url = 'https://service-b/process',
  headers = [],
  body = '',
}: RequestParts): OutgoingRequest {
  return {
    method,
    url: new URL(url),
    headers: Object.fromEntries(headers),
    body: body === '' ? undefined : Buffer.from(body),
  };
}

/** What the target receives of a request with these credentials. */
export async function authorized(credentials: Credentials, parts: RequestParts): Promise<RequestParts> {
  const added = await credentials.authorize(outgoingRequest(parts));
  const kept = (parts.headers ?? []).filter(([name]) => added[name.toLowerCase()] === undefined);
  return { ...parts, headers: [...kept, ...Object.entries(added)] };
}
