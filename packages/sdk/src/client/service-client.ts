/**
 * Calls to one other service, each of which proves who calls: by mutual TLS, by credentials, or by both. A client that could
 * call without any proof cannot be made.
 */

import type { Identity } from '../identity/identity.ts';
import type { JsonValue } from '../jwt/strict-json.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { openConnections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { idempotencyKeyField, type Operation, type OperationInput, operationPath } from './operation.ts';
import type { CallInit } from './outgoing.ts';
import { readJson } from './read-json.ts';
import { createSender } from './send.ts';
import { readTarget } from './target.ts';

interface CommonOptions<Scope extends string> {
  /** `https://payment-service.internal`, with a path below which everything lies, if there is one. */
  readonly target: string;
  /** What this client may do, where its credentials do not say so themselves. */
  readonly scopes?: readonly Scope[];
  /** PEM: the only authorities trusted, where the identity does not say so. */
  readonly ca?: string;
  /** The SPIFFE ID that the target must prove instead of its host name. */
  readonly serverId?: string;
  /** Plain HTTP to this machine, and credentials that are written down, are fine: never outside development. */
  readonly development?: boolean;
  /** One attempt, until its last byte; 10,000 by default. */
  readonly timeoutMs?: number;
  /** How often a call is made again whose method allows it; 2 by default. */
  readonly retries?: number;
  /** To the target at once; 64 by default. */
  readonly connections?: number;
  readonly runtime?: Runtime;
}

type Proven<Scope extends string> = Credentials & { readonly scopes?: readonly Scope[] };

/** How it proves who calls: at least one of the two, or the sidecar beside it does. */
type Proof<Scope extends string> =
  | { readonly mesh?: false; readonly identity: Identity; readonly credentials?: Proven<Scope> }
  | { readonly mesh?: false; readonly identity?: Identity; readonly credentials: Proven<Scope> }
  /** The sidecar shows the certificate and encrypts; credentials of the application itself may stand beside that. */
  | { readonly mesh: true; readonly identity?: never; readonly credentials?: Proven<Scope> };

export type ServiceClientOptions<Scope extends string> = CommonOptions<Scope> & Proof<Scope>;

/** @typeParam Scope what this client may ask for: an operation that needs another one does not compile */
export interface ServiceClient<Scope extends string = never> {
  /** Origin and path of the target. */
  readonly target: string;
  /** The scopes, at run time. */
  readonly scopes: readonly string[];
  /**
   * The answer whatever its status; redirects are answers. Rejects with Problem `upstream_unreachable`, `upstream_tls`,
   * `upstream_timeout`, or with that of the credentials; nothing was sent without a proof then.
   */
  readonly fetch: (path: string | URL, init?: CallInit) => Promise<Response>;
  /** The answer of a success as JSON, `null` where it has no body; otherwise rejects with a ServiceResponseError. */
  readonly json: (path: string | URL, init?: CallInit) => Promise<JsonValue>;
  /** What an operation brings; otherwise rejects as {@link json} does. */
  readonly call: <Result>(operation: Operation<Scope, Result>, input?: OperationInput) => Promise<Result>;
  /** Calls under way end; nothing keeps the process alive afterwards. */
  readonly close: () => Promise<void>;
}

const TIMEOUT_MS = 10_000;
const RETRIES = 2;
const CONNECTIONS = 64;

/**
 * A client of one service.
 *
 * @example
 * ```ts
 * import { identityFromFiles, oauthClient, serviceClient } from '@sidegate/sdk/client';
 *
 * const identity = identityFromFiles({ cert: '/etc/certs/tls.crt', key: '/etc/certs/tls.key', ca: '/etc/certs/ca.crt' });
 * const registration = oauthClient({
 *   tokenUrl: 'https://idp.internal/realms/main/protocol/openid-connect/token',
 *   clientId: 'order-service-prod',
 *   authentication: { method: 'tls_client_auth' },
 *   identity,
 * });
 * const payments = serviceClient({
 *   target: 'https://payment-service.internal',
 *   identity,
 *   credentials: registration.clientCredentials({ scopes: ['payment:charge'] }),
 * });
 * const receipt = await payments.json('/charge', { method: 'POST', body: '{"order_id":"42"}' });
 * await payments.close();
 * ```
 * @throws TypeError when it could call without proof, or in the clear
 */
export function serviceClient<const Scope extends string = never>(
  options: ServiceClientOptions<Scope>,
): ServiceClient<Scope> {
  const { identity, credentials, mesh = false, development = false, ca, serverId } = options;
  const { runtime = systemRuntime(), timeoutMs = TIMEOUT_MS, retries = RETRIES, connections = CONNECTIONS } = options;
  checkProof({ target: options.target, identity, credentials, mesh, development });
  const scopes = scopesOf(options);
  const target = readTarget(options.target, { mesh, development });
  const trust = { ca, serverId };
  const pool = openConnections({
    identity: identity === undefined ? () => trust : shownWith(identity, trust),
    connections,
    connectTimeoutMs: timeoutMs,
  });
  const send = createSender({ target, credentials, pool, runtime, timeoutMs, retries });

  const json = async (path: string | URL, init: CallInit = {}): Promise<JsonValue> => {
    const headers = { accept: 'application/json', ...init.headers };
    const withType = init.body === undefined || 'content-type' in headers ? headers : { ...JSON_BODY, ...headers };
    const answer = await send(path, { ...init, headers: withType });
    return await readJson(answer, `${init.method ?? 'GET'} ${target.resolve(path).pathname} of ${target.origin}`);
  };
  return {
    target: options.target,
    scopes,
    fetch: send,
    json,
    async call({ method, path, scopes: needed, movesMoney, read }, input = {}) {
      const missing = needed.filter((scope) => !scopes.includes(scope));
      if (missing.length > 0) {
        throw new TypeError(
          `${method} ${path} needs ${missing.join(' ')}, which this client of ${target.origin} has not`,
        );
      }
      const { body, signal, idempotencyKey } = input;
      const key = idempotencyKey ?? (movesMoney ? crypto.randomUUID() : undefined);
      const answer = await json(operationPath(path, input), {
        method,
        headers: key === undefined ? {} : { 'idempotency-key': idempotencyKeyField(key) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
      return read(answer);
    },
    async close() {
      credentials?.close();
      await pool.close();
    },
  };
}

const JSON_BODY = { 'content-type': 'application/json' };

interface GivenProof {
  readonly target: string;
  readonly identity: Identity | undefined;
  readonly credentials: Credentials | undefined;
  readonly mesh: boolean;
  readonly development: boolean;
}

/** Whoever writes JavaScript, or casts, meets the same wall. */
function checkProof({ target, identity, credentials, mesh, development }: GivenProof): void {
  if (mesh && identity !== undefined) {
    throw new TypeError(`${target}: with mesh: true the sidecar shows the certificate, so there is no identity here`);
  }
  if (!mesh && identity === undefined && credentials === undefined) {
    throw new TypeError(
      `${target}: a call between services proves who calls. ` +
        'Give identity (mutual TLS), credentials, or mesh: true where a sidecar does it',
    );
  }
  if (credentials?.kind === 'static' && !development) {
    throw new TypeError(`${target}: a token that is written down is for development: true alone`);
  }
}

function scopesOf({ scopes, credentials }: ServiceClientOptions<string>): readonly string[] {
  const carried = credentials?.scopes;
  if (carried !== undefined && scopes !== undefined) throw new TypeError('the scopes are those of the credentials');
  return carried ?? scopes ?? [];
}

/** The identity with what is trusted beside it: the same object while the identity is the same. */
function shownWith(
  identity: Identity,
  trust: { readonly ca: string | undefined; readonly serverId: string | undefined },
) {
  let from: unknown;
  let shown = {};
  return async () => {
    const current = await identity.current();
    if (current === from) return shown;
    from = current;
    shown = { ...current, ca: current.ca ?? trust.ca, serverId: trust.serverId };
    return shown;
  };
}
