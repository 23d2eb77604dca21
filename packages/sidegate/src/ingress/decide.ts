/** Stage 5: the policy's word. One of the two places that mint a permit. */
import { Problem } from '@sidegate/sdk';
import type { Decision, PolicyEngine, PolicyInput } from '../policy/decision.ts';
import { policyInput } from '../policy/input.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { mintPermit, type Permit } from '../proxy/permit.ts';
import type { Accepted } from './accept.ts';

export interface PolicyOptions {
  /** Undefined: authorization is switched off for this sidecar. */
  readonly engine: PolicyEngine | undefined;
  /** `headers.extract`, as configured. */
  readonly extract: readonly string[];
  /** What a denial does that a rule asked for; every other one refuses. `log_only` fails open. */
  readonly onDeny: 'reject' | 'log_only';
}

/**
 * At once when the engine is in this process, else a promise.
 *
 * @throws Problem, at once or as a rejection: `policy_denied`, `policy_undefined`, `policy_error` or `policy_timeout`
 */
export function decide(exchange: Exchange, accepted: Accepted, policy: PolicyOptions): Permit | Promise<Permit> {
  const { onDeny } = policy;
  const decided = evaluate(policy, accepted, () => policyInput(exchange, accepted, policy.extract));
  if (!(decided instanceof Promise)) return permit(exchange, accepted, { decision: decided, onDeny });
  return decided.then((decision) => permit(exchange, accepted, { decision, onDeny }));
}

function permit(
  exchange: Exchange,
  { target, route, upstreamPath }: Accepted,
  { decision, onDeny }: { readonly decision: Decision; readonly onDeny: PolicyOptions['onDeny'] },
): Permit {
  exchange.decision = decision;
  if (!decision.allow) {
    const reason = decision.reasons[0] ?? 'the policy does not allow it';
    const denial = new Problem(decision.failure ?? 'policy_denied', reason);
    if (onDeny === 'reject' || decision.failure !== undefined) throw denial;
    exchange.shadowed = denial;
  }
  const query = target.query === '' ? '' : `?${target.query}`;
  exchange.upstream = { name: route.upstreamName, path: upstreamPath };
  return mintPermit({ upstream: route.upstream, method: target.method, path: `${upstreamPath}${query}` });
}

function evaluate(
  policy: PolicyOptions,
  { route, open }: Accepted,
  input: () => PolicyInput,
): ReturnType<PolicyEngine> {
  if (open !== undefined) return { allow: true, reasons: [open] };
  if (policy.engine === undefined) return { allow: true, reasons: ['authorization is switched off'] };
  if (!route.authzRequired) return { allow: true, reasons: [`route ${route.path} needs no authorization`] };
  return policy.engine(input());
}
