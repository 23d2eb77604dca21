/**
 * Secrets from HashiCorp Vault or OpenBao over plain HTTP: login by AppRole or a Kubernetes service account, KV version 2, renewal of
 * the token. Vault is trusted to hold secrets, not to answer well, and no answer is ever quoted.
 */
import { readFile } from 'node:fs/promises';
import { requireSecureUrl } from '../jwt/secure-url.ts';
import { isJsonObject, JsonError, type JsonObject, parseStrictJson } from '../jwt/strict-json.ts';
import type { HttpRequest } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';

/** How this process proves to Vault who it is. */
export type VaultLogin =
  | {
      readonly method: 'approle';
      readonly roleId: string;
      readonly secretId: { reveal(): string };
      readonly mount?: string;
    }
  | {
      readonly method: 'kubernetes';
      readonly role: string;
      /** `/var/run/secrets/kubernetes.io/serviceaccount/token` by default; read at every login. */
      readonly tokenFile?: string;
      readonly mount?: string;
    };

export interface VaultOptions {
  /** `https://vault.internal:8200`; http on a loopback host alone. */
  readonly address: string;
  readonly login: VaultLogin;
  /** Vault Enterprise and OpenBao. */
  readonly namespace?: string;
  readonly runtime?: Runtime;
}

export interface Vault {
  /**
   * The latest version of a secret of a KV version 2 engine.
   * Rejects with Problem `secret_store_unavailable`, `secret_store_bad_response`.
   */
  read(mount: string, path: string): Promise<Readonly<Record<string, string>>>;
}

interface Held {
  readonly token: string;
  readonly renewable: boolean;
  /** Monotonic milliseconds. */
  readonly renewAt: number;
  readonly endsAt: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/**
 * A client of Vault, for {@link loadSettings}.
 *
 * @example
 * ```ts
 * import { vault } from '@sidegate/sdk/settings';
 *
 * const store = vault({ address: 'https://vault.internal:8200', login: { method: 'kubernetes', role: 'order-service' } });
 * const { client_secret: clientSecret } = await store.read('secret', 'order-service/payment');
 * ```
 * @throws TypeError when the address is neither https nor http on a loopback host
 */
export function vault({ address, login, namespace, runtime = systemRuntime() }: VaultOptions): Vault {
  const origin = requireSecureUrl(address).origin;
  const { clock, http } = runtime;
  let held: Held | undefined;
  let entering: Promise<Held> | undefined;

  const ask = async (request: Pick<HttpRequest, 'method' | 'body'>, path: string, token?: string) => {
    const headers = {
      accept: 'application/json',
      'x-vault-request': 'true',
      ...(token === undefined ? {} : { 'x-vault-token': token }),
      ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const url = `${origin}/v1/${path}`;
    try {
      return await http({ ...request, url, headers, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    } catch (cause) {
      throw new Problem('secret_store_unavailable', `Vault did not answer ${path}`, { cause });
    }
  };
  const enter = async (): Promise<Held> => {
    const [path, body] = await loginOf(login);
    const { status, body: bytes } = await ask({ method: 'POST', body: JSON.stringify(body) }, path);
    if (status !== 200) throw refusal(status, `the login ${path}`);
    return heldOf(bytes, clock.monotonic());
  };
  const renew = async (current: Held): Promise<Held> => {
    const { status, body } = await ask({ method: 'POST', body: '{}' }, 'auth/token/renew-self', current.token);
    return status === 200 ? heldOf(body, clock.monotonic()) : await enter();
  };
  /** A token that holds now: renewed when two thirds of its life are over, by a login where that fails. */
  const current = async (): Promise<Held> => {
    const now = clock.monotonic();
    if (held !== undefined && now < held.renewAt) return held;
    const old = held;
    entering ??= (old?.renewable === true && now < old.endsAt ? renew(old) : enter()).finally(() => {
      entering = undefined;
    });
    held = await entering;
    return held;
  };
  return {
    async read(mount, path) {
      const place = `${mount}/data/${path}`;
      const first = await current();
      let answer = await ask({ method: 'GET' }, place, first.token);
      if (answer.status === 403) {
        // Revoked, or expired earlier than it said.
        if (held === first) held = undefined;
        answer = await ask({ method: 'GET' }, place, (await current()).token);
      }
      if (answer.status !== 200) throw refusal(answer.status, place);
      const data = memberOf(memberOf(objectOf(answer.body), 'data'), 'data');
      return Object.fromEntries(
        Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      );
    },
  };
}

async function loginOf(login: VaultLogin): Promise<readonly [path: string, body: object]> {
  const path = `auth/${login.mount ?? login.method}/login`;
  if (login.method === 'approle') return [path, { role_id: login.roleId, secret_id: login.secretId.reveal() }];
  const { role, tokenFile = SERVICE_ACCOUNT } = login;
  try {
    return [path, { role, jwt: (await readFile(tokenFile, 'utf8')).trim() }];
  } catch (cause) {
    throw new Problem('secret_store_unavailable', `the service account's token ${tokenFile} cannot be read`, { cause });
  }
}

function heldOf(body: Buffer, now: number): Held {
  const auth = memberOf(objectOf(body), 'auth');
  const { client_token: token, lease_duration: seconds, renewable } = auth;
  if (typeof token !== 'string' || !TOKEN.test(token)) throw unusable('without a usable client_token');
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0)
    throw unusable('without a lease_duration');
  // Vault says 0 of a token that does not end.
  const lifeMs = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  return { token, renewable: renewable === true, renewAt: now + (lifeMs * 2) / 3, endsAt: now + lifeMs };
}

function objectOf(body: Buffer): JsonObject {
  try {
    const value = parseStrictJson(body);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw unusable('that is no JSON object');
}

function memberOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return value !== undefined && isJsonObject(value) ? value : unusableMember(name);
}

function unusableMember(name: string): never {
  throw unusable(`without ${name}`);
}

const unusable = (what: string): Problem => new Problem('secret_store_bad_response', `Vault gave an answer ${what}`);

function refusal(status: number, place: string): Problem {
  if (status >= 500 || status === 429)
    return new Problem('secret_store_unavailable', `Vault answered ${status} to ${place}`);
  const hint = status === 403 ? ': its policy must allow this process to read it' : '';
  return new Problem('secret_store_bad_response', `Vault answered ${status} to ${place}${hint}`);
}
