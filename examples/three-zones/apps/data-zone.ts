/** How the zone 2 apps call the data zone: plain local HTTP to the egress sidecar, which adds the token and the certificate. */
import type { Answer, Call } from './json-service.ts';

const EGRESS_URL = process.env.EGRESS_URL ?? 'http://localhost:8080';

/** One call for the user and the request that `call` belongs to; the answer's body is JSON or null. */
export async function dataZone(call: Call, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${EGRESS_URL}/data${path}`, {
    method,
    headers: {
      // who asked for it, and the request it belongs to: for the audit trail of the data zone
      'X-User-Context': userOf(call),
      ...carried(call, 'X-Correlation-ID', 'traceparent'),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json().catch(() => null) };
}

/** The user as the ingress sidecar names it; the app never sees a token. */
export function userOf(call: Call): string {
  return call.headers['x-user-id'] ?? call.headers['x-original-user'] ?? '';
}

function carried(call: Call, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = call.headers[name.toLowerCase()];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
