/** The policy that a sidecar would ask, asked in the process of the service: the same input, the same reading of its answer. */
import type { JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './request-path.ts';
import { after, orElse } from './settled.ts';

/** What a policy sees (`docs/policy-engines.md`), of a guard and, with more, of a sidecar; an alias, which is a value of every policy engine. */
export type PolicyInput = {
  readonly mtls: {
    readonly verified: boolean;
    /** Attribute short names (`CN`, `O`) of the client certificate's subject; empty without one. */
    readonly subject: Readonly<Record<string, string>>;
    readonly spiffe_id?: string;
  };
  /** All verified claims; absent when none is asked for and none was sent. */
  readonly token?: JsonObject;
  readonly request: {
    readonly method: string;
    /** As received at this hop. */
    readonly path: string;
    /** As a sidecar will forward it; at a guard the path once more. */
    readonly upstream_path: string;
    readonly query: string;
    readonly host: string;
  };
  /** By their names in {@link PolicyOptions.headers} or `headers.extract`; null = not sent or not passed on, an array = sent several times. */
  readonly headers: Readonly<Record<string, string | readonly string[] | null>>;
};

export interface PolicyOptions {
  /** `true`, or an object whose `allow` is true, lets the caller in; whatever else it answers, throws or rejects refuses. */
  readonly decide: (input: PolicyInput, principal: Principal) => unknown;
  /** Header fields that the policy sees, by these names. */
  readonly headers?: readonly string[];
}

/** @throws Problem `policy_denied`, `policy_undefined`, `policy_error` or `path_ambiguous`, at once or as a rejection */
export function askPolicy(
  policy: PolicyOptions | undefined,
  principal: Principal,
  request: ReceivedRequest,
): void | Promise<void> {
  if (policy === undefined) return undefined;
  const input = policyInput(principal, request, policy.headers ?? []);
  const answer = orElse<unknown>(
    () => policy.decide(input, principal),
    (cause) => {
      throw new Problem('policy_error', 'the policy failed', { cause });
    },
  );
  return after(answer, (value) => checkAnswer(value, principal));
}

function policyInput(principal: Principal, request: ReceivedRequest, headers: readonly string[]): PolicyInput {
  const { certificate, claims } = principal;
  const { path, query } = splitTarget(request);
  return {
    mtls: {
      verified: certificate !== undefined,
      subject: certificate?.subject ?? {},
      ...(certificate?.spiffeId === undefined ? {} : { spiffe_id: certificate.spiffeId }),
    },
    ...(claims === undefined ? {} : { token: claims }),
    request: { method: request.method, path, upstream_path: path, query, host: hostOf(request) },
    headers: Object.fromEntries(headers.map((name) => [name, shownHeader(name, principal, request)])),
  };
}

/** Lower case, no port, no final dot. */
function hostOf(request: ReceivedRequest): string {
  const [host = ''] = request.values('host');
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}

/** A user context is what was verified of it; the field alone is anybody's word. */
function shownHeader(name: string, { user }: Principal, request: ReceivedRequest): string | readonly string[] | null {
  const lower = name.toLowerCase();
  if (lower === 'x-user-context') return user?.id ?? null;
  // What proves who calls is no input: a policy sees what was verified of it.
  if (lower === 'authorization' || lower === 'dpop') return null;
  const values = request.values(lower);
  return values.length > 1 ? values : (values[0] ?? null);
}

function checkAnswer(value: unknown, { service }: Principal): void {
  const allow: unknown = typeof value === 'object' && value !== null && 'allow' in value ? value.allow : value;
  if (allow === true) return;
  if (allow !== false) throw new Problem('policy_undefined', 'the policy answered neither yes nor no');
  const detail = service && `Service ${service.name} not authorized for this endpoint`;
  throw new Problem('policy_denied', 'the policy does not allow it', detail === undefined ? {} : { detail });
}
