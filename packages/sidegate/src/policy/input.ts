/** The policy input of one exchange, only from what was verified or received, never parsed again. */
import type { Fields } from '../net/fields.ts';
import type { RequestTarget } from '../net/request-target.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { PolicyInput } from './decision.ts';

interface Forwarding {
  readonly target: RequestTarget;
  readonly upstreamPath: string;
  /** True for headers that the service does not get as they were sent. */
  readonly endsHere: (lowerName: string) => boolean;
}

export function policyInput(
  exchange: Exchange,
  { target, upstreamPath, endsHere }: Forwarding,
  extract: readonly string[],
): PolicyInput {
  const { peer, token, transaction } = exchange;
  return {
    mtls: {
      verified: peer !== undefined,
      subject: peer?.attributes ?? {},
      ...(peer?.spiffeId === undefined ? {} : { spiffe_id: peer.spiffeId }),
    },
    ...(token === undefined ? {} : { token: token.claims }),
    ...(transaction === undefined ? {} : { txn: transaction.token.claims }),
    request: {
      method: target.method,
      path: target.path,
      upstream_path: upstreamPath,
      query: target.query,
      host: target.host,
    },
    headers: extractedHeaders(exchange, extract, endsHere),
  };
}

function extractedHeaders(
  exchange: Exchange,
  extract: readonly string[],
  endsHere: Forwarding['endsHere'],
): PolicyInput['headers'] {
  const extracted = Object.create(null) as Record<string, string | readonly string[] | null>;
  for (const name of extract) {
    const lower = name.toLowerCase();
    extracted[name] = ours(exchange, lower) ?? (endsHere(lower) ? null : received(exchange.fields, lower));
  }
  return extracted;
}

/** The user context and the correlation id are what we made of them, so that policy, audit and app agree. */
function ours(exchange: Exchange, lowerName: string): string | undefined {
  if (lowerName === 'x-correlation-id') return exchange.correlationId;
  const { userContext } = exchange;
  return lowerName === 'x-user-context' && userContext?.verified === true ? userContext.value : undefined;
}

function received(fields: Fields, lowerName: string): string | readonly string[] | null {
  const values = fields.all(lowerName);
  return values.length > 1 ? values : (values[0] ?? null);
}
